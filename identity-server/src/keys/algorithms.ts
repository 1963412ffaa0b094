/** What `node:crypto` needs to know of each signing algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1): one row each. */
import { constants, type KeyObject } from 'node:crypto'

interface Algorithm {
  /** What kind of key it takes, as `KeyObject` calls it: the names of the standards are not known there. */
  key: { type: 'ec'; curve: string } | { type: 'rsa' } | { type: 'ed25519' }
  /** Null: part of the algorithm. */
  hash: 'sha256' | 'sha384' | null
  options: { dsaEncoding?: 'ieee-p1363'; padding?: number; saltLength?: number }
  /** Whether signing takes some tens of microseconds: less than to hand it to another thread and to hear of it. */
  isQuick: boolean
}

const algorithms = {
  // Signatures of JWS are the two numbers side by side, not the DER that is usual elsewhere (RFC 7518 section 3.4).
  ES256: {
    key: { type: 'ec', curve: 'prime256v1' },
    hash: 'sha256',
    options: { dsaEncoding: 'ieee-p1363' },
    isQuick: true,
  },
  ES384: {
    key: { type: 'ec', curve: 'secp384r1' },
    hash: 'sha384',
    options: { dsaEncoding: 'ieee-p1363' },
    isQuick: false,
  },
  RS256: { key: { type: 'rsa' }, hash: 'sha256', options: { padding: constants.RSA_PKCS1_PADDING }, isQuick: false },
  // The salt is as long as the hash (section 3.5); left to itself, OpenSSL makes it longer, and accepts any length.
  PS256: {
    key: { type: 'rsa' },
    hash: 'sha256',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
    isQuick: false,
  },
  EdDSA: { key: { type: 'ed25519' }, hash: null, options: {}, isQuick: true },
} as const satisfies Record<string, Algorithm>

export type SigningAlgorithm = keyof typeof algorithms

export const signingAlgorithms = Object.keys(algorithms)

export const defaultSigningAlgorithm: SigningAlgorithm = 'ES256'

/**
 * The length of RSA keys, and the least that is accepted: shorter ones are forbidden (RFC 7518 section 3.3). Longer ones
 * sign at a third of the rate and outlive the rotation by decades.
 */
export const rsaBits = 2048

/** The hash, and the key with its options, as `sign` and `verify` of `node:crypto` take them. */
export interface SignatureParameters {
  hash: Algorithm['hash']
  key: Algorithm['options'] & { key: KeyObject }
  isQuick: boolean
}

/**
 * @throws Error where the algorithm is not one of ours, or takes keys of another kind: such a key would sign, and verify,
 *   what its JWT calls by a wrong name
 */
export function signatureParameters(algorithm: string, key: KeyObject): SignatureParameters {
  const known: [string, Algorithm] | undefined = Object.entries(algorithms).find(([name]) => name === algorithm)
  if (!known) throw new Error(`${algorithm} is no signing algorithm`)
  const [, row] = known
  if (!fits(row.key, key)) throw new Error(`the key is none of ${algorithm}`)
  return { hash: row.hash, key: { ...row.options, key }, isQuick: row.isQuick }
}

function fits(kind: Algorithm['key'], { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType !== kind.type) return false
  if (kind.type === 'ec') return asymmetricKeyDetails?.namedCurve === kind.curve
  return kind.type !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) >= rsaBits
}

/** The first part of a JWT: alike for all tokens of a type that a key has signed. */
export function encodeHeader(algorithm: string, kid: string, type: string): string {
  return encode({ alg: algorithm, typ: type, kid })
}

export function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
