/** Key pairs of clients and issuers, and JWTs that they sign. */
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export interface JwkPair {
  /** With `kid` and `alg`, as it stands in a JWK Set. */
  publicJwk: JWK
  privateJwk: JWK
  /** @param header in addition to `alg` and `kid`; undefined members are left out */
  sign(payload?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

export async function createJwkPair(kid: string, alg = 'ES256'): Promise<JwkPair> {
  const pair = await generateKeyPair(alg, { extractable: true })
  return {
    publicJwk: { ...(await exportJWK(pair.publicKey)), kid, alg },
    privateJwk: { ...(await exportJWK(pair.privateKey)), kid, alg },
    sign: (payload = {}, header = {}) =>
      new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(pair.privateKey),
  }
}
