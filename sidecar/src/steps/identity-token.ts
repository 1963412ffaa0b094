/**
 * A short-lived JWT about the caller, signed by the sidecar, for upstreams that want to verify what they are told
 * rather than trust everybody who reaches them. It is no access token, and its type says so.
 */
import { randomUUID } from 'node:crypto'
import type { IdentityTokenConfig } from '../config/schema/headers.ts'
import type { Identity } from './identity.ts'
import type { IdentityKeys } from './identity-keys.ts'

export interface IdentityTokens {
  /** In lower case. */
  readonly header: string
  mint(identity: Identity, now: number): IdentityToken
}

export interface IdentityToken {
  jwt: string
  /** ms since the epoch */
  expiresAt: number
  /** ms since the epoch, from which on a new one takes its place: half of its life is left for the way. */
  renewAt: number
}

export interface IdentityTokensOptions
  extends Pick<IdentityTokenConfig, 'header' | 'issuer' | 'audience' | 'claims' | 'ttl'> {
  keys: Pick<IdentityKeys, 'current'>
  /** From the name of an issuer to its identifier. */
  identifierOf(issuer: string): string
}

/** The `typ` of these tokens (RFC 8725 section 3.11). */
export const identityTokenType = 'postern-identity+jwt'

/** What the token says of itself, whatever the caller's says. */
const own = new Set(['iss', 'aud', 'iat', 'exp', 'nbf', 'jti', 'caller_issuer'])

export function createIdentityTokens(options: IdentityTokensOptions): IdentityTokens {
  const { issuer, audience, ttl, keys, identifierOf } = options
  const copied = options.claims.filter((name) => !own.has(name))

  return {
    header: options.header.toLowerCase(),
    mint(identity, now) {
      const issuedAt = Math.floor(now / 1_000)
      // It tells of nobody who is not there any more.
      const expiresAt = Math.min(issuedAt + ttl, identity.expiresAt / 1_000)
      const payload: Record<string, unknown> = {}
      for (const name of copied) if (Object.hasOwn(identity.claims, name)) payload[name] = identity.claims[name]
      const { algorithm: alg, kid, sign } = keys.current()
      const input = `${encode({ alg, typ: identityTokenType, kid })}.${encode({
        ...payload,
        iss: issuer,
        aud: audience,
        iat: issuedAt,
        exp: expiresAt,
        jti: randomUUID(),
        caller_issuer: identifierOf(identity.issuer),
      })}`
      return {
        jwt: `${input}.${sign(input).toString('base64url')}`,
        expiresAt: expiresAt * 1_000,
        renewAt: now + (ttl * 1_000) / 2,
      }
    },
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
