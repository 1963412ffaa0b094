/** `password` (RFC 6749 section 4.3), for old issuers. */
import type { Secret } from '../../config/changing-secret.ts'
import type { OwnGrant } from './grant.ts'

export function passwordGrant(username: string, password: Secret<string>): OwnGrant {
  return {
    of: 'sidecar',
    parameters: () => [
      ['grant_type', 'password'],
      ['username', username],
      ['password', password.current()],
    ],
    renewed: password.reread,
  }
}
