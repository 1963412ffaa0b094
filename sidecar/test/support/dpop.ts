/** Clients' DPoP keys, and proofs made with them: right ones, and any other. */
import { createHash, randomUUID } from 'node:crypto'
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'

export interface DpopKey {
  publicJwk: JWK
  privateJwk: JWK
  /** The `cnf` of tokens that are bound to it. */
  cnf: { jkt: string }
  /** A proof for a token; what is given replaces what would be right, and undefined leaves it out. */
  prove(token: string, claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

/** What proofs are made for unless they say otherwise. */
export const provenUri = 'https://api.example.com/orders'

/** @param now ms since the epoch */
export async function createDpopKey(now: () => number, algorithm = 'ES256'): Promise<DpopKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  return {
    publicJwk,
    privateJwk: await exportJWK(privateKey),
    cnf: { jkt: await calculateJwkThumbprint(publicJwk) },
    prove(token, claims, header) {
      const usual = { jti: randomUUID(), htm: 'GET', htu: provenUri, iat: Math.floor(now() / 1_000) }
      const payload = { ...usual, ath: createHash('sha256').update(token).digest('base64url'), ...claims }
      return new CompactSign(Buffer.from(JSON.stringify(payload)))
        .setProtectedHeader({ typ: 'dpop+jwt', alg: algorithm, jwk: publicJwk, ...header })
        .sign(privateKey, { crit: { exp: true } })
    },
  }
}
