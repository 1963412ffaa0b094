import { OAuthError } from '@postern/protocol/oauth-error'
import { OutgoingError } from '../outgoing/error.ts'

/**
 * For keys of a client that cannot be had. Where that may be over soon, whether its proof was genuine is not known; where the
 * `jwks_uri` itself is wrong, the client cannot prove anything until it, or an administrator, has mended it.
 * @throws OAuthError `temporarily_unavailable`, `invalid_client`
 */
export function refuseWithoutKeys(error: unknown): never {
  if (!(error instanceof OutgoingError)) throw error
  if (!error.isTemporary) throw new OAuthError('invalid_client', 'client authentication failed', { cause: error })
  throw new OAuthError('temporarily_unavailable', 'the keys of the client cannot be had', { cause: error })
}
