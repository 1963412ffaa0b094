/** For whom a token is meant, decided here for every grant. */
import { OAuthError } from '@postern/protocol/oauth-error'
import { isResourceIndicator } from '@postern/protocol/resource'
import type { Client } from '../clients/clients.ts'
import type { Form } from '../form.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'

const maxAudiences = 20

/**
 * The audiences of the token: the targets that the request names by `resource` (RFC 8707 section 2); or all of the
 * ceiling that the client may have; or, without a ceiling, the client's or the auth server's default one.
 * @param ceiling targets that the grant is bounded by; it widens nothing
 * @param targets further targets that the request names: `audience`, where the grant knows it (RFC 8693 section 2.1)
 * @throws OAuthError `invalid_target` where one is malformed, or the client may not have it, or none is left
 */
export function grantedAudiences(
  authServer: AuthServer,
  client: Client,
  form: Form,
  ceiling?: readonly string[],
  targets: readonly string[] = [],
): readonly string[] {
  const resources = form.all('resource')
  if (!resources.every(isResourceIndicator)) throw new OAuthError('invalid_target', 'a resource is not an absolute URI')
  const requested = [...new Set([...resources, ...targets])]
  const usual = client.audience ?? authServer.audience
  const own = [usual, ...(client.settings.resources ?? [])]
  const allowed = ceiling ? ceiling.filter((target) => own.includes(target)) : own
  if (requested.length > maxAudiences) throw new OAuthError('invalid_target', 'too many targets')
  if (!requested.every((target) => allowed.includes(target))) {
    throw new OAuthError('invalid_target', 'a requested target is unknown or not allowed to this client')
  }
  if (requested.length > 0) return requested
  if (!ceiling) return [usual]
  if (allowed.length === 0) throw new OAuthError('invalid_target', 'the client may no longer have what was granted')
  return allowed
}
