/**
 * Signs JWTs in the compact serialization (RFC 7515 section 7.1), with `node:crypto` on its threads: measured beside jose
 * and beside signing on the event loop in docs/decisions/0015.
 */
import { createPrivateKey, sign as signWithCallback, type webcrypto } from 'node:crypto'
import { promisify } from 'node:util'

const sign = promisify(signWithCallback)

/** What `node:crypto` needs to know of each algorithm (RFC 7518 section 3.1). */
const algorithms = {
  // Signatures of JWS are the two numbers side by side, not the DER that is usual elsewhere (section 3.4).
  ES256: { hash: 'sha256', dsaEncoding: 'ieee-p1363' },
} as const

export type SigningAlgorithm = keyof typeof algorithms

export const signingAlgorithms: readonly string[] = Object.keys(algorithms)

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
  if (!isSigningAlgorithm(algorithm)) throw new Error(`${algorithm} is no signing algorithm`)
  const { hash, dsaEncoding } = algorithms[algorithm]
  const key = { key: createPrivateKey({ key: privateJwk, format: 'jwk' }), dsaEncoding }
  const headers = new Map<string, string>()

  const headerOf = (type: string) => {
    const known = headers.get(type)
    if (known !== undefined) return known
    const header = encode({ alg: algorithm, typ: type, kid })
    headers.set(type, header)
    return header
  }
  return {
    kid,
    algorithm,
    async sign(type, claims) {
      const input = `${headerOf(type)}.${encode(claims)}`
      return `${input}.${(await sign(hash, Buffer.from(input), key)).toString('base64url')}`
    },
  }
}

function isSigningAlgorithm(name: string): name is SigningAlgorithm {
  return Object.hasOwn(algorithms, name)
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
