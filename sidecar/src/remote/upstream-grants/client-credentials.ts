/** `client_credentials` (RFC 6749 section 4.4). */
import type { OwnGrant } from './grant.ts'

export const clientCredentials: OwnGrant = {
  of: 'sidecar',
  parameters: () => [['grant_type', 'client_credentials']],
}
