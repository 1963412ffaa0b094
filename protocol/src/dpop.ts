/**
 * DPoP (RFC 9449): what a proof must look like, and the DPoP authentication scheme. Pure, so that the authorization
 * server and whoever protects resources read proofs alike; signatures, clocks and memories of used proofs are theirs.
 */
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { formatChallenge, parseToken } from './authentication-scheme.ts'
import type { BearerChallenge } from './bearer.ts'
import { readUnverifiedJws } from './compact-jws.ts'

/** Algorithms that may sign proofs: all asymmetric. `EdDSA` is the older name of `Ed25519` (RFC 9864 section 2.2). */
export const dpopAlgorithms = ['ES256', 'ES384', 'PS256', 'RS256', 'Ed25519', 'EdDSA'] as const
export type DpopAlgorithm = (typeof dpopAlgorithms)[number]

/** The `typ` of proofs (RFC 9449 section 4.2). */
export const dpopProofType = 'dpop+jwt'

/** Room for an RSA key of 4096 bits with its signature, and little more. */
const maxProofLength = 4_096
const absent = Type.Optional(Type.Never())
const base64url = (minLength: number, maxLength: number) =>
  Type.String({ pattern: '^[A-Za-z0-9_-]+$', minLength, maxLength })

/** Members of private and symmetric keys (RFC 7518 section 6): a key with one of them is a secret that was given away. */
const nothingPrivate = { d: absent, p: absent, q: absent, dp: absent, dq: absent, qi: absent, oth: absent, k: absent }

const PublicJwk = Type.Union([
  Type.Object({
    kty: Type.Literal('EC'),
    crv: Type.String(),
    x: base64url(43, 64),
    y: base64url(43, 64),
    ...nothingPrivate,
  }),
  Type.Object({ kty: Type.Literal('OKP'), crv: Type.String(), x: base64url(43, 43), ...nothingPrivate }),
  // From 2048 to 4096 bits, with an exponent of at most 32: the cost of a verification is not for strangers to choose.
  Type.Object({ kty: Type.Literal('RSA'), n: base64url(342, 683), e: base64url(1, 6), ...nothingPrivate }),
])

const ProofHeader = Type.Object({
  typ: Type.Literal(dpopProofType),
  alg: Type.Union(dpopAlgorithms.map((algorithm) => Type.Literal(algorithm))),
  jwk: PublicJwk,
  // No extension is understood here, so none may be critical (RFC 7515 section 4.1.11).
  crit: absent,
})

const ProofClaims = Type.Object({
  jti: Type.String({ minLength: 1, maxLength: 256 }),
  htm: Type.String(),
  htu: Type.String(),
  iat: Type.Number(),
  ath: Type.Optional(Type.String()),
  nonce: Type.Optional(Type.String()),
  // Proofs need none of them; who sends one means it (RFC 7519 sections 4.1.4 and 4.1.5).
  exp: Type.Optional(Type.Number()),
  nbf: Type.Optional(Type.Number()),
})

export interface DpopProof {
  algorithm: DpopAlgorithm
  jwk: Static<typeof PublicJwk>
  claims: Static<typeof ProofClaims>
}

const proofHeader = Compile(ProofHeader)
const proofClaims = Compile(ProofClaims)

/**
 * Reads a proof whose form is right (RFC 9449 section 4.3, points 2 to 5 and 7): one strictly spelled
 * compact JWS of the right type, signed with an accepted algorithm by a public key that it carries, with all claims
 * that it must have. Other sources of keys in its header (`kid`, `jku`, `x5c`) mean nothing.
 * @returns undefined for any other text. Whether the signature, and what the claims say, is right remains to be seen.
 */
export function readDpopProof(proof: string): DpopProof | undefined {
  const { header, payload } = readUnverifiedJws(proof, maxProofLength) ?? {}
  if (!proofHeader.Check(header) || !proofClaims.Check(payload)) return undefined
  return { algorithm: header.alg, jwk: header.jwk, claims: payload }
}

const httpUri = /^https?:\/\/[^/?#@]+(?:[/?#]|$)/i
const uriCharacters = /^(?:[\x21\x23-\x3B\x3D\x3F-\x5B\x5D\x5F\x61-\x7A\x7E])+$/

/**
 * The `htu` of a proof, or the URI of a request, as they are compared (RFC 9449 section 4.3): without query and fragment,
 * after syntax-based and scheme-based normalization (RFC 3986 sections 6.2.2 and 6.2.3).
 * @returns undefined where the text is no http or https URI, or names a user
 */
export function normalizeHttpUri(text: string): string | undefined {
  if (!uriCharacters.test(text) || !httpUri.test(text) || !URL.canParse(text)) return undefined
  const { protocol, host, pathname } = new URL(text)
  return `${protocol}//${host}${pathname.replace(/%[0-9A-Fa-f]{2}/g, normalizePercentEncoding)}`
}

/** Unreserved characters stand for themselves, all others are encoded in capitals (RFC 3986 sections 6.2.2.1, 6.2.2.2). */
function normalizePercentEncoding(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return /[A-Za-z0-9\-._~]/.test(character) ? character : encoded.toUpperCase()
}

/** Reads the credentials of `Authorization: DPoP …` (RFC 9449 section 7.1), as `parseBearer` does. */
export function parseDpopToken(authorization: string): { token: string } | 'none' | 'malformed' {
  return parseToken('dpop', authorization)
}

/** The same parameters as those of a Bearer challenge. */
export type DpopChallenge = Partial<BearerChallenge>

/** The value of `WWW-Authenticate` (RFC 9449 section 7.1): it always says which algorithms proofs may be signed with. */
export function dpopChallenge({ realm, error, description, ...more }: DpopChallenge): string {
  return formatChallenge('DPoP', {
    realm,
    error,
    error_description: description,
    ...more,
    algs: dpopAlgorithms.join(' '),
  })
}
