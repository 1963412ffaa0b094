/**
 * The keys of a JWK Set (RFC 7517) that may verify signatures. What is meant for something else, is weak, symmetric or
 * malformed is passed over: a set may hold keys of kinds that are not known here (section 5).
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { asymmetricAlgorithms } from '../../config/schema/parts.ts'
import { type SignatureAlgorithm, signatureAlgorithms, type VerifyWithKey } from './signature-algorithms.ts'

/** Beyond this it is no issuer's key set, and reading it would keep the event loop from its work. */
const maxKeys = 500
/** Keys that one signature is tried with, where several share its `kid`, or it names none. */
const maxCandidates = 4

const JwkSet = Type.Object({ keys: Type.Array(Type.Unknown(), { maxItems: maxKeys }) })
const Jwk = Type.Object({
  kty: Type.String(),
  kid: Type.Optional(Type.String()),
  alg: Type.Optional(Type.String()),
  use: Type.Optional(Type.Literal('sig')),
  key_ops: Type.Optional(Type.Array(Type.String())),
})

export interface KeySet {
  /** What verifies signatures of that algorithm by the key of that `kid`; several where the set does not tell them apart. */
  candidates(algorithm: string, kid: string | undefined): readonly VerifyWithKey[]
}

interface Key {
  kid: string | undefined
  verifiers: ReadonlyMap<string, VerifyWithKey>
}

/** @returns undefined where it is no JWK Set, holds too many keys, or none that is of use */
export function readJwkSet(json: unknown): KeySet | undefined {
  if (!Value.Check(JwkSet, json)) return undefined
  const keys = json.keys.flatMap((jwk) => (Value.Check(Jwk, jwk) ? readKey(jwk) : []))
  if (keys.length === 0) return undefined
  const all = byAlgorithm(keys)
  const named = new Map([...Map.groupBy(keys, ({ kid }) => kid)].map(([kid, same]) => [kid, byAlgorithm(same)]))
  return { candidates: (algorithm, kid) => (kid === undefined ? all : named.get(kid))?.get(algorithm) ?? [] }
}

/** Said once for the set, and not for each token. */
function byAlgorithm(keys: readonly Key[]): ReadonlyMap<string, readonly VerifyWithKey[]> {
  return new Map(
    asymmetricAlgorithms.map((algorithm) => [
      algorithm,
      keys.flatMap(({ verifiers }) => verifiers.get(algorithm) ?? []).slice(0, maxCandidates),
    ]),
  )
}

function readKey(jwk: Static<typeof Jwk>): Key[] {
  if (jwk.key_ops && !jwk.key_ops.includes('verify')) return []
  const key = importKey(jwk)
  if (!key) return []
  const algorithms = asymmetricAlgorithms.filter((algorithm) => mayUse(jwk, key, algorithm))
  const verifiers = new Map(algorithms.map((algorithm) => [algorithm, signatureAlgorithms[algorithm].verifier(key)]))
  return verifiers.size === 0 ? [] : [{ kid: jwk.kid, verifiers }]
}

function mayUse({ alg }: Static<typeof Jwk>, key: KeyObject, algorithm: SignatureAlgorithm): boolean {
  return (alg === undefined || alg === algorithm) && signatureAlgorithms[algorithm].fits(key)
}

function importKey(jwk: Static<typeof Jwk>): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    // Symmetric, of an unknown kind, or no point of its curve.
    return undefined
  }
}
