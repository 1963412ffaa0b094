/** The keys of a client or an issuer, to verify what they signed with: callers need not care where they come from. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { createLocalJWKSet, errors, type JWTVerifyGetKey, type LocalJWKSet } from 'jose'
import { type PublicJwk, usableKeys } from './public-jwks.ts'

export interface KeySource {
  /**
   * Runs a verification; once more where newer keys may decide otherwise, or where the token names no key and several fit.
   * @param attempt such as `(getKey) => jwtVerify(token, getKey, options)`
   * @throws whatever the attempt throws; jose's JWKSNoMatchingKey; OutgoingError where the keys cannot be had
   */
  verify<T>(attempt: (getKey: JWTVerifyGetKey) => Promise<T>): Promise<T>
  /**
   * Whether a key is among them; looked for once more where newer keys may decide otherwise.
   * @throws OutgoingError where the keys cannot be had
   */
  includes(publicKey: KeyObject): Promise<boolean>
}

/** Only jose may see keys: it chooses by `kid`, `alg`, `use` and `key_ops`, and imports each once. */
export type Keys = LocalJWKSet

/** Of those that fit a token without `kid`, so many are tried: each costs a verification. */
const maxTried = 8

const sources = new WeakMap<object, KeySource>()

/** @param jwks a JWK Set as it is stored; the same object gives the same source, with its imported keys */
export function localJwks(jwks: object): KeySource {
  const known = sources.get(jwks)
  if (known) return known
  const keys = toKeys(usableKeys(jwks) ?? [])
  const source: KeySource = {
    verify: (attempt) => tryKeys(keys, attempt),
    includes: async (publicKey) => hasKey(keys, publicKey),
  }
  sources.set(jwks, source)
  return source
}

export function toKeys(jwks: readonly PublicJwk[]): Keys {
  return createLocalJWKSet({ keys: jwks.map((jwk) => ({ ...jwk })) })
}

export function hasKey(keys: Keys, publicKey: KeyObject): boolean {
  return keys.jwks().keys.some((jwk) => isSame(createPublicKey({ key: { ...jwk }, format: 'jwk' }), publicKey))
}

/**
 * Keys of different kinds are not compared: OpenSSL would leave the error on its thread, and the next TLS connection that
 * reads on it, whoever's it is, would be cut.
 */
function isSame(one: KeyObject, other: KeyObject): boolean {
  const isOfOneKind =
    one.asymmetricKeyType === other.asymmetricKeyType &&
    one.asymmetricKeyDetails?.namedCurve === other.asymmetricKeyDetails?.namedCurve
  return isOfOneKind && one.equals(other)
}

/** One attempt, or several where several keys fit. */
export async function tryKeys<T>(keys: Keys, attempt: (getKey: JWTVerifyGetKey) => Promise<T>): Promise<T> {
  try {
    return await attempt(keys)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    let tried = 0
    for await (const key of error) {
      if (tried === maxTried) break
      tried += 1
      try {
        return await attempt(async () => key)
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}
