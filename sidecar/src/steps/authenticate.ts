/** The second step: verify a JWT of one of the policy's issuers, or introspect a token, or both. */
import { isToken68 } from '@postern/protocol/authentication-scheme'
import { Refusal } from '../failures.ts'
import type { ReceivedJwt } from '../remote/jwt/received-jwt.ts'
import type { Authenticate, Identity } from './identity.ts'
import type { TokenIntrospection } from './introspect-token.ts'
import { tokenKind } from './token-kind.ts'
import type { VerifyJwt } from './verify-jwt.ts'

export interface TrustedIssuer {
  /** The issuer identifier. */
  issuer: string
  /** Undefined where its JWTs are introspected as its opaque tokens are. */
  verify: VerifyJwt | undefined
  /** Undefined where none is configured. */
  introspection: TokenIntrospection | undefined
  /** How its opaque tokens begin; empty where that is not known. */
  opaquePrefix: string
}

export interface AuthenticateOptions {
  /** Of the policy; config/checks.ts sees to it that an opaque token can be of one of them only. */
  issuers: readonly TrustedIssuer[]
  /** Whether the issuer is asked about JWTs as well, once they are found genuine. */
  introspectJwts: boolean
  /** How long an answer of introspection is relied on where there is no other, after it has ceased to be fresh. */
  staleForMs: number
}

export function createAuthenticate({ issuers, introspectJwts, staleForMs }: AuthenticateOptions): Authenticate {
  const byIdentifier = new Map(issuers.map((trusted) => [trusted.issuer, trusted]))

  const ofOpaque = (token: string): Promise<Identity> => {
    const trusted = issuers.find(({ introspection, opaquePrefix }) => introspection && token.startsWith(opaquePrefix))
    if (!trusted?.introspection) throw new Refusal('invalid_token', 'the token is of no known kind')
    return trusted.introspection.identify(token, staleForMs)
  }

  const ofJwt = async (
    token: string,
    jwt: ReceivedJwt,
    { verify, introspection }: TrustedIssuer,
  ): Promise<Identity> => {
    if (!verify && introspection) {
      const { kid } = jwt.header
      return introspection.identify(token, staleForMs, typeof kid === 'string' ? kid : undefined)
    }
    const verified = await verify?.(jwt)
    if (!verified) throw new Refusal('invalid_token', 'the issuer has no such tokens')
    if (!introspectJwts) return verified
    if (!introspection) throw new Refusal('invalid_token', 'the issuer cannot be asked about the token')
    return introspection.confirm(token, verified, staleForMs)
  }

  return async (token) => {
    if (!isToken68(token)) throw new Refusal('invalid_request', 'the access token is malformed')
    const kind = tokenKind(token)
    if (kind.kind === 'opaque') return ofOpaque(token)
    const trusted = kind.issuer === undefined ? undefined : byIdentifier.get(kind.issuer)
    if (!trusted || !kind.jwt) throw new Refusal('invalid_token', 'the issuer is not trusted')
    return ofJwt(token, kind.jwt, trusted)
  }
}
