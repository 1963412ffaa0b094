/**
 * The keys of an issuer (RFC 7517): kept, fetched anew before they grow old, kept on while the issuer is down, and
 * fetched on an unknown `kid`, but not more often than the cooldown allows: tokens are anybody's to make up.
 */
import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from 'jose'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { DependencyError, Refusal } from '../failures.ts'
import type { Dependency } from './dependency.ts'
import type { HttpClient } from './http-client.ts'
import { createSingleFlight } from './single-flight.ts'

/** @throws Refusal where the issuer has no such key; DependencyError where its keys are not known */
export type FindKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>

export interface JwksOptions {
  url: () => Promise<string>
  timeoutMs: number
  http: HttpClient
  dependency: Dependency
  /** ms since the epoch */
  now: () => number
}

const JwkSet = Type.Object({ keys: Type.Array(Type.Object({ kty: Type.String() }), { maxItems: 1_000 }) })

/** Keys are fetched anew, in the background, once they are this old. */
const refreshAfterMs = 300_000
/** While the issuer is down, they serve this long; a key that it withdrew would serve no longer. */
const keepForMs = 86_400_000
/** Between fetches for keys that are not known. */
const cooldownMs = { ofTokens: 10_000, ofEvents: 200 }

export interface Jwks {
  /** For tokens: these are anybody's to make up. */
  ofTokens: FindKey
  /** For what the issuer itself has sent: a key that it has just begun to use is fetched at once. */
  ofEvents: FindKey
}

export function createJwks({ url, timeoutMs, http, dependency, now }: JwksOptions): Jwks {
  const flights = createSingleFlight<Keys>()
  let keys: Keys | undefined
  let attemptedAt = Number.NEGATIVE_INFINITY

  const refresh = () =>
    flights.run('', async () => {
      attemptedAt = now()
      const address = await url()
      keys = await dependency.call(() => fetchKeys(http, address, timeoutMs, dependency.name, now()))
      return keys
    })

  const current = async (): Promise<Keys> => {
    if (!keys || now() - keys.fetchedAt > keepForMs) return refresh()
    const mayFetch = now() - attemptedAt > cooldownMs.ofTokens
    // A failure is no news while there are keys: the next call past the cooldown tries again.
    if (now() - keys.fetchedAt > refreshAfterMs && mayFetch) refresh().catch(() => undefined)
    return keys
  }

  const createFindKey =
    (cooldown: number): FindKey =>
    async (header, token) => {
      const known = await current()
      try {
        return await known.find(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      }
      // A fetch that is under way may bring the key: after a rotation, many tokens ask for the new one at once.
      if (flights.size > 0 || now() - attemptedAt > cooldown) {
        const fetched = await refresh()
        return fetched.find(header, token).catch(unknownKey)
      }
      return unknownKey()
    }

  return { ofTokens: createFindKey(cooldownMs.ofTokens), ofEvents: createFindKey(cooldownMs.ofEvents) }
}

interface Keys {
  find: ReturnType<typeof createLocalJWKSet>
  fetchedAt: number
}

async function fetchKeys(
  http: HttpClient,
  url: string,
  timeoutMs: number,
  dependency: string,
  fetchedAt: number,
): Promise<Keys> {
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const { status, json } = await http.send({ method: 'GET', url, timeoutMs, headers })
  if (status !== 200 || !isJwkSet(json)) throw new DependencyError(dependency, `status ${status}, or no JWK Set`)
  return { find: createLocalJWKSet(json), fetchedAt }
}

function isJwkSet(json: unknown): json is JSONWebKeySet {
  return Value.Check(JwkSet, json)
}

function unknownKey(error?: unknown): never {
  if (error && !(error instanceof errors.JWKSNoMatchingKey)) throw error
  // It may be a new key that the cooldown keeps us from seeing, so the refusal is not kept.
  throw new Refusal('invalid_token', 'the signing key is unknown', true)
}
