/** Clients' DPoP keys, and proofs made with them: right ones, and any other. */
import { createHash, randomUUID } from 'node:crypto'
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'

export interface DpopKey {
  publicJwk: JWK
  privateJwk: JWK
  /** The `jkt` of tokens that are bound to it. */
  thumbprint: string
  /** A proof; what is given replaces what would be right, and undefined leaves it out. */
  prove(claims: ProofClaims, header?: Record<string, unknown>): Promise<string>
}

export interface ProofClaims extends Record<string, unknown> {
  htu: unknown
}

export async function createDpopKey(algorithm = 'ES256', now: () => number = Date.now): Promise<DpopKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  return {
    publicJwk,
    privateJwk: await exportJWK(privateKey),
    thumbprint: await calculateJwkThumbprint(publicJwk),
    prove(claims, header) {
      const payload = { jti: randomUUID(), htm: 'POST', iat: Math.floor(now() / 1000), ...claims }
      return new CompactSign(Buffer.from(JSON.stringify(payload)))
        .setProtectedHeader({ typ: 'dpop+jwt', alg: algorithm, jwk: publicJwk, ...header })
        .sign(privateKey, { crit: { exp: true } })
    },
  }
}

export function accessTokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
