import type { Grant } from './grant.ts'

/** The client acts for itself (RFC 6749 section 4.4); the subject is then the client (RFC 9068 section 2.2). */
export const clientCredentials: Grant = {
  type: 'client_credentials',
  forPublicClients: false,
  authorize: async ({ client }) => ({ subject: client.id }),
}
