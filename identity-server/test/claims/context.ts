/** A context for expressions, with which tests begin. */
import type { ClaimContext } from '../../src/claims/context.ts'

export const context: ClaimContext = {
  organization: {
    id: 'acme-eu',
    name: 'Acme Europe',
    path: [
      { id: 'root', name: 'Root' },
      { id: 'acme-eu', name: 'Acme Europe' },
    ],
  },
  auth_server: { id: 'acme', issuer: 'https://id.example/acme', name: 'Acme' },
  client: { id: 'billing', name: 'Billing' },
  subject: 'alice',
  scopes: ['read', 'write'],
  grant: 'client_credentials',
  request: { resource: ['https://api.example'], audience: [], authorization_details: [] },
  subject_token: { sub: 'alice', level: 3, groups: ['staff', 'admins'], address: { city: 'Oslo' } },
  now: new Date('2026-01-02T03:04:05.678Z'),
}
