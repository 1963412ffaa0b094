/** Authorization details of a token request (RFC 9396), decided here for every grant. */
import {
  type AuthorizationDetail,
  exceedingDetails,
  parseAuthorizationDetails,
} from '@postern/protocol/authorization-details'
import { OAuthError } from '@postern/protocol/oauth-error'
import type { Client } from '../clients/clients.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'

/**
 * The details to grant: the requested ones (section 6); or all of the ceiling that there may be now; or, without a
 * ceiling, none.
 * @param requested the `authorization_details` parameter
 * @param ceiling details that the grant is bounded by: the same, or fewer of them (section 6.1)
 * @throws OAuthError `invalid_authorization_details` where one is malformed, of an unknown type or not as its type
 *   demands, not allowed to the client, or more than was granted (section 5)
 */
export function grantedAuthorizationDetails(
  authServer: AuthServer,
  client: Client,
  requested: string | undefined,
  ceiling?: readonly AuthorizationDetail[],
): readonly AuthorizationDetail[] {
  if (requested === undefined) {
    return ceiling?.filter((detail) => problemOf(authServer, client, detail) === undefined) ?? []
  }
  const details = parseAuthorizationDetails(requested)
  if (!details) throw refusal('authorization_details is malformed')
  for (const detail of details) {
    const problem = problemOf(authServer, client, detail)
    if (problem !== undefined) throw refusal(problem)
  }
  if (ceiling && exceedingDetails(details, ceiling).length > 0) {
    throw refusal('a requested authorization detail exceeds what was granted')
  }
  return details
}

function problemOf(authServer: AuthServer, client: Client, detail: AuthorizationDetail): string | undefined {
  const type = authServer.detailTypes.get(detail.type)
  if (!type || !client.settings.authorization_details_types?.includes(detail.type)) {
    return 'the type of a requested authorization detail is unknown or not allowed to this client'
  }
  const problem = type.problemOf(detail)
  return problem === undefined ? undefined : `an authorization detail is not as its type demands${readable(problem)}`
}

/** A path holds names from the request, in which anything may stand; descriptions may not (RFC 6749 section 5.2). */
function readable(problem: string): string {
  return /^[\x20\x21\x23-\x5B\x5D-\x7E]{1,200}$/.test(problem) ? `: ${problem}` : ''
}

function refusal(description: string): OAuthError {
  return new OAuthError('invalid_authorization_details', description)
}
