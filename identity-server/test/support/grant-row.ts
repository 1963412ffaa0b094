/** A stored grant, for tests of what is decided from it alone. */
import type { GrantRow } from '../../src/store/grants.ts'
import type { Granted } from '../../src/tokens/granted.ts'
import { authServer, client } from './parties.ts'

export const granted: Granted = {
  scopes: ['read'],
  audiences: ['https://api.example'],
  authorization_details: [],
  authenticated: true,
}

/** A grant of that client, begun and used at that time, and good for an hour. @param now ms since the epoch */
export function grantRow(now: number, members: Partial<GrantRow> = {}): GrantRow {
  const inAnHour = new Date(now + 3_600_000)
  return {
    auth_server_id: authServer.id,
    id: 'grant',
    client_id: client.id,
    subject: 'alice',
    granted,
    confirmation: null,
    token_hash: Buffer.alloc(32),
    created_at: new Date(now),
    used_at: new Date(now),
    idle_until: inAnHour,
    ends_at: inAnHour,
    access_ends_at: new Date(now + 300_000),
    expires_at: new Date(now + 86_400_000),
    ...members,
  }
}
