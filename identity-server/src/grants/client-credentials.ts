import type { Grant } from './grant.ts'

/** The client acts for itself (RFC 6749 section 4.4); the subject is then the client (RFC 9068 section 2.2). */
export const clientCredentials: Grant = {
  type: 'client_credentials',
  authorize: async ({ client, scopes }) => ({ subject: client.id, scopes }),
}
