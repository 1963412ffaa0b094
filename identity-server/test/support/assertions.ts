/** Client assertions as a client makes them, and as an attacker would like them to be. */
import { randomUUID } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export interface SigningClientKey {
  algorithm: string
  privateKey: CryptoKey
  /** With `kid`. */
  publicJwk: JWK
}

export async function newClientKey(algorithm: string, kid: string = randomUUID()): Promise<SigningClientKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  return { algorithm, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid } }
}

/** Signs whatever claims it is given; a member that is undefined is left out. */
export function signClaims(
  claims: Readonly<Record<string, unknown>>,
  key: CryptoKey | Uint8Array,
  header: JWTHeaderParameters,
): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader(header).sign(key)
}

/** The claims of a proper assertion. @param now ms since the epoch */
export function assertionClaims(clientId: string, issuer: string, now: number): Record<string, unknown> {
  const iat = Math.floor(now / 1_000)
  return { iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), iat, exp: iat + 60 }
}
