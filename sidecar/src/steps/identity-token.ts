/**
 * A short-lived JWT about the caller, signed by the sidecar, for upstreams that want to verify what they are told
 * rather than trust everybody who reaches them. It is no access token, and its type says so.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import type { IdentityTokenConfig } from '../config/schema/headers.ts'
import type { Identity } from './identity.ts'
import { jwkThumbprint } from './jwk-thumbprint.ts'

export interface IdentityTokens {
  /** In lower case. */
  readonly header: string
  /** The public key, as a JWK Set (RFC 7517 section 5). */
  readonly jwks: { keys: readonly object[] }
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
  /** A JWK or PEM; undefined: a key is made up. */
  key: string | undefined
  /** From the name of an issuer to its identifier. */
  identifierOf(issuer: string): string
}

/** The `typ` of these tokens (RFC 8725 section 3.11). */
export const identityTokenType = 'postern-identity+jwt'

/** What the token says of itself, whatever the caller's says. */
const own = new Set(['iss', 'aud', 'iat', 'exp', 'nbf', 'jti', 'caller_issuer'])

/** @throws Error where the key is none of ES256 or EdDSA */
export function createIdentityTokens(options: IdentityTokensOptions): IdentityTokens {
  const { issuer, audience, ttl, identifierOf } = options
  const key =
    options.key === undefined ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : parseKey(options.key)
  const algorithm = algorithmOf(key)
  const publicJwk = createPublicKey(key).export({ format: 'jwk' })
  const kid = jwkThumbprint(publicJwk)
  const header = encode({ alg: algorithm, typ: identityTokenType, kid })
  const copied = options.claims.filter((name) => !own.has(name))

  const signatureOf = (input: string) =>
    sign(algorithm === 'ES256' ? 'sha256' : null, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })

  return {
    header: options.header.toLowerCase(),
    jwks: { keys: [{ ...publicJwk, kid, alg: algorithm, use: 'sig' }] },
    mint(identity, now) {
      const issuedAt = Math.floor(now / 1_000)
      const payload: Record<string, unknown> = {}
      for (const name of copied) if (Object.hasOwn(identity.claims, name)) payload[name] = identity.claims[name]
      const input = `${header}.${encode({
        ...payload,
        iss: issuer,
        aud: audience,
        iat: issuedAt,
        exp: issuedAt + ttl,
        jti: randomUUID(),
        caller_issuer: identifierOf(identity.issuer),
      })}`
      return {
        jwt: `${input}.${signatureOf(input).toString('base64url')}`,
        expiresAt: (issuedAt + ttl) * 1_000,
        renewAt: now + (ttl * 1_000) / 2,
      }
    },
  }
}

function parseKey(text: string): KeyObject {
  const trimmed = text.trim()
  try {
    return trimmed.startsWith('{')
      ? createPrivateKey({ key: JSON.parse(trimmed), format: 'jwk' })
      : createPrivateKey(trimmed)
  } catch {
    // The library's message may quote what it could not read.
    throw new Error('the key of the identity token is neither a private JWK nor PEM')
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): 'ES256' | 'EdDSA' {
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256'
  throw new Error('the key of the identity token is none of ES256 or EdDSA')
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
