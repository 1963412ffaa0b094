/** JWTs of other issuers that a client presents: whose they claim to be, and whether that issuer is trusted for this. */
import { readUnverifiedJws } from '@postern/protocol/compact-jws'
import { maxAssertionLength } from '../assertions/verify.ts'
import type { Client } from '../clients/clients.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { SubjectPurpose } from '../trust/settings.ts'
import type { TrustedIssuer } from '../trust/trusted-issuer.ts'
import type { TrustedIssuers } from '../trust/trusted-issuers.ts'

/**
 * @returns the issuer that the JWT names, where it is trusted for the purpose and the client may present its JWTs. No issuer
 *   that is not in the list is ever asked for its keys.
 * @throws StoreError
 */
export async function findTrustedIssuer(
  trustedIssuers: CachedLookup<TrustedIssuers>,
  { authServer, client }: { authServer: AuthServer; client: Client },
  jwt: string,
  purpose: SubjectPurpose,
): Promise<TrustedIssuer | undefined> {
  const named = readUnverifiedJws(jwt, maxAssertionLength)?.payload.iss
  if (typeof named !== 'string') return undefined
  const issuer = (await trustedIssuers.get(authServer.id))?.get(named)
  return issuer?.isTrustedFor(purpose) && issuer.mayBePresentedBy(client.id) ? issuer : undefined
}
