/**
 * Verifies JWTs of our own. Ours begin with one of a few headers, to the letter; any other is none of ours. So nothing of
 * a header is ever parsed or obeyed: no algorithm to confuse, no key to bring along, no `crit` to overlook (RFC 8725).
 */
import { createPublicKey, verify as verifyWithCallback, type webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import { encodeHeader, signatureParameters } from './algorithms.ts'

const verify = promisify(verifyWithCallback)

export interface PublishedKey {
  kid: string
  algorithm: string
  publicJwk: webcrypto.JsonWebKey
}

/** The payload of a JWT of ours, parsed; undefined where it is none, or was changed. */
export type Verifier = (token: string) => Promise<unknown>

/**
 * @param keys those that are published
 * @param type the only accepted `typ`
 * @throws Error where a key does not fit its algorithm
 */
export function createVerifier(keys: readonly PublishedKey[], type: string): Verifier {
  const byHeader = new Map(
    keys.map(({ kid, algorithm, publicJwk }) => {
      const key = createPublicKey({ key: publicJwk, format: 'jwk' })
      return [encodeHeader(algorithm, kid, type), signatureParameters(algorithm, key)]
    }),
  )
  return async (token) => {
    const [header = '', payload, signature, ...more] = token.split('.')
    const known = byHeader.get(header)
    if (!known || payload === undefined || signature === undefined || more.length > 0) return undefined
    const bytes = Buffer.from(signature, 'base64url')
    // One spelling for each signature: a second one would be a second token to whatever compares tokens as text.
    if (bytes.toString('base64url') !== signature) return undefined
    const genuine = await verify(known.hash, Buffer.from(`${header}.${payload}`), known.key, bytes)
    // What we signed is JSON that we wrote.
    return genuine ? JSON.parse(Buffer.from(payload, 'base64url').toString()) : undefined
  }
}
