/** What `node:crypto` needs to know of each signing algorithm (RFC 7518 section 3.1): one row each. */

const algorithms = {
  // Signatures of JWS are the two numbers side by side, not the DER that is usual elsewhere (section 3.4).
  ES256: { hash: 'sha256', dsaEncoding: 'ieee-p1363' },
} as const

export type AlgorithmParameters = (typeof algorithms)[keyof typeof algorithms]

/** @throws Error where the algorithm is not one of ours */
export function parametersOf(algorithm: string): AlgorithmParameters {
  const known = Object.entries(algorithms).find(([name]) => name === algorithm)
  if (!known) throw new Error(`${algorithm} is no signing algorithm`)
  return known[1]
}

/** The first part of a JWT: alike for all tokens of a type that a key has signed. */
export function encodeHeader(algorithm: string, kid: string, type: string): string {
  return encode({ alg: algorithm, typ: type, kid })
}

export function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
