/**
 * Signs JWTs in the compact serialization (RFC 7515 section 7.1) with `node:crypto`, measured beside jose in
 * docs/decisions/0015: slow algorithms on its threads, quick ones in bursts on the event loop (docs/decisions/0024).
 */
import { createPrivateKey, sign as signNow, type webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import { createBursts } from '../bursts.ts'
import { encode, encodeHeader, signatureParameters } from './algorithms.ts'

const signOnThreads = promisify(signNow)
/** One for all signers: they share the event loop. */
const burst = createBursts()

export interface Signer {
  readonly kid: string
  readonly algorithm: string
  /**
   * @param type the `typ` of the header: what kind of JWT it is (RFC 8725 section 3.11)
   * @returns the JWT
   */
  sign(type: string, claims: object): Promise<string>
}

/** @throws Error where the algorithm is not one of ours, or the key does not fit */
export function createSigner(kid: string, algorithm: string, privateJwk: webcrypto.JsonWebKey): Signer {
  const { hash, key, isQuick } = signatureParameters(algorithm, createPrivateKey({ key: privateJwk, format: 'jwk' }))
  const headers = new Map<string, string>()

  const headerOf = (type: string) => {
    const known = headers.get(type)
    if (known !== undefined) return known
    const header = encodeHeader(algorithm, kid, type)
    headers.set(type, header)
    return header
  }
  const signatureOf = (input: Buffer): Promise<Buffer> =>
    isQuick ? burst(() => signNow(hash, input, key)) : signOnThreads(hash, input, key)

  return {
    kid,
    algorithm,
    async sign(type, claims) {
      const input = `${headerOf(type)}.${encode(claims)}`
      return `${input}.${(await signatureOf(Buffer.from(input))).toString('base64url')}`
    },
  }
}
