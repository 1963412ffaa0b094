/**
 * JWK Sets of others (RFC 7517), inline or fetched: what of them is accepted. Public keys for signatures only, of the sizes that
 * verification is cheap and safe for, and not more than a few.
 */
import { createPublicKey } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'

const Base64url = (minLength: number, maxLength: number) =>
  Type.String({ pattern: '^[A-Za-z0-9_-]+$', minLength, maxLength })
const common = {
  kid: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  alg: Type.Optional(Type.String({ maxLength: 32 })),
  use: Type.Optional(Type.Literal('sig')),
  key_ops: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 8 })),
}
const oneOf = (...values: string[]) => Type.Union(values.map((value) => Type.Literal(value)))

const PublicJwk = Type.Union([
  Type.Object({
    kty: Type.Literal('EC'),
    crv: oneOf('P-256', 'P-384', 'P-521'),
    x: Base64url(43, 88),
    y: Base64url(43, 88),
    ...common,
  }),
  Type.Object({ kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Base64url(43, 43), ...common }),
  // 2048 to 8192 bits; a large exponent would make verification slow.
  Type.Object({ kty: Type.Literal('RSA'), n: Base64url(342, 1_366), e: Base64url(2, 6), ...common }),
])
export type PublicJwk = Static<typeof PublicJwk>

export const maxKeys = 32
/** Members of private and symmetric keys (RFC 7518 section 6). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

const JwkSet = Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: maxKeys }) })

export type JwksProblem =
  /** No JWK Set, or one of more than 32 keys. */
  | 'malformed'
  /** A key in it is no secret any more, because it is in it. */
  | 'secret_key'
  /** A key of a type, size or use that is not accepted, or none that can be. */
  | 'unusable_key'

/** Says what is wrong with a JWK Set, for whoever wants to store it. */
export function checkPublicJwks(jwks: unknown): JwksProblem | undefined {
  if (!Value.Check(JwkSet, jwks) || jwks.keys.length === 0) return 'malformed'
  if (jwks.keys.some(isSecret)) return 'secret_key'
  return usableKeys(jwks)?.length === jwks.keys.length ? undefined : 'unusable_key'
}

/**
 * The keys that are accepted, with their known members; others are passed over (RFC 7517 section 5).
 * @returns undefined where it is no JWK Set, or too large a one
 */
export function usableKeys(jwks: unknown): PublicJwk[] | undefined {
  if (!Value.Check(JwkSet, jwks)) return undefined
  return jwks.keys.flatMap((jwk) => {
    const known: unknown = Value.Clean(PublicJwk, structuredClone(jwk))
    return !isSecret(jwk) && Value.Check(PublicJwk, known) && canBeImported(known) ? [known] : []
  })
}

function isSecret(jwk: Record<string, unknown>): boolean {
  return jwk.kty === 'oct' || secretMembers.some((member) => Object.hasOwn(jwk, member))
}

/** A point may not lie on its curve. */
function canBeImported(jwk: PublicJwk): boolean {
  try {
    const { type, asymmetricKeyDetails } = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    return type === 'public' && (asymmetricKeyDetails?.modulusLength ?? 2_048) >= 2_048
  } catch {
    return false
  }
}
