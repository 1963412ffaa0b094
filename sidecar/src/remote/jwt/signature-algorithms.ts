/** The accepted signature algorithms (RFC 7518 section 3, RFC 8037, RFC 9864): which keys fit each, and how a signature is verified. */
import { constants, type KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto'
import type { asymmetricAlgorithms } from '../../config/schema/parts.ts'

export type SignatureAlgorithm = (typeof asymmetricAlgorithms)[number]

/** On the event loop: a quick verification costs less than handing it to a thread and back (docs/decisions/0042). */
export type VerifyWithKey = (input: Buffer, signature: Buffer) => boolean

interface Algorithm {
  fits(key: KeyObject): boolean
  verifier(key: KeyObject): VerifyWithKey
}

/** @param curve as OpenSSL names it */
function ecdsa(curve: string, hash: string): Algorithm {
  return {
    fits: ({ asymmetricKeyType, asymmetricKeyDetails }) =>
      asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === curve,
    // r and s at their full length, not in DER (RFC 7518 section 3.4).
    verifier: (key) => verifierOf(hash, { key, dsaEncoding: 'ieee-p1363' }),
  }
}

function rsa(hash: string, padding: number): Algorithm {
  return {
    // RFC 7518 sections 3.3 and 3.5.
    fits: ({ asymmetricKeyType, asymmetricKeyDetails }) =>
      asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2_048,
    verifier: (key) => verifierOf(hash, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }),
  }
}

const eddsa: Algorithm = {
  fits: ({ asymmetricKeyType }) => asymmetricKeyType === 'ed25519',
  verifier: (key) => verifierOf(null, { key }),
}

function verifierOf(hash: string | null, key: VerifyKeyObjectInput): VerifyWithKey {
  return (input, signature) => verify(hash, input, key, signature)
}

const { RSA_PKCS1_PADDING: pkcs1, RSA_PKCS1_PSS_PADDING: pss } = constants

export const signatureAlgorithms: Readonly<Record<SignatureAlgorithm, Algorithm>> = {
  ES256: ecdsa('prime256v1', 'sha256'),
  ES384: ecdsa('secp384r1', 'sha384'),
  ES512: ecdsa('secp521r1', 'sha512'),
  PS256: rsa('sha256', pss),
  PS384: rsa('sha384', pss),
  PS512: rsa('sha512', pss),
  RS256: rsa('sha256', pkcs1),
  RS384: rsa('sha384', pkcs1),
  RS512: rsa('sha512', pkcs1),
  // The older name and the newer one (RFC 9864 section 2.2): no other curve is accepted by either.
  EdDSA: eddsa,
  Ed25519: eddsa,
}
