/** The signature of a DPoP proof, by the key that it carries and no other. */
import { createPublicKey } from 'node:crypto'
import type { DpopAlgorithm, DpopProof } from '@postern/protocol/dpop'
import { LRUCache } from 'lru-cache'
import { signatureAlgorithms, type VerifyWithKey } from '../../remote/jwt/signature-algorithms.ts'

/** @param jkt thumbprint of the key in the proof */
export type VerifyProofSignature = (proof: string, read: DpopProof, jkt: string) => boolean

/** Clients use a key for many proofs, and to import one takes a third of the time of a verification. */
const maxKeys = 10_000

export function createVerifyProofSignature(): VerifyProofSignature {
  const keys = new LRUCache<string, VerifyWithKey>({ max: maxKeys })
  return (proof, { algorithm, jwk }, jkt) => {
    const name = `${algorithm} ${jkt}`
    const verify = keys.get(name) ?? importKey(algorithm, jwk)
    if (!verify) return false
    keys.set(name, verify)
    const end = proof.lastIndexOf('.')
    return verify(Buffer.from(proof.slice(0, end)), Buffer.from(proof.slice(end + 1), 'base64url'))
  }
}

/** @returns undefined where it is no key, or none for that algorithm: another curve, too few bits */
function importKey(name: DpopAlgorithm, jwk: DpopProof['jwk']): VerifyWithKey | undefined {
  const algorithm = signatureAlgorithms[name]
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    return algorithm.fits(key) ? algorithm.verifier(key) : undefined
  } catch {
    // No point of its curve, or the like.
    return undefined
  }
}
