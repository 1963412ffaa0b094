/** A key of the sidecar that tokens are bound to, and proofs that it holds it (RFC 9449 section 4.2). */
import { createPublicKey, randomUUID } from 'node:crypto'
import { dpopProofType, normalizeHttpUri } from '@postern/protocol/dpop'
import { SignJWT } from 'jose'
import { sha256 } from '../sha256.ts'
import type { SigningKey } from './signing-key.ts'

export interface DpopRequest {
  method: string
  /** Absolute; query and fragment are left out. */
  uri: string
  /** That the server asked for. */
  nonce?: string | undefined
  /** That is presented with the proof. */
  accessToken?: string
}

export interface DpopKey {
  /** @throws Error where the URI is none */
  prove(request: DpopRequest): Promise<string>
}

/** @param now ms since the epoch */
export function createDpopKey({ key, algorithm }: SigningKey, now: () => number): DpopKey {
  const jwk = createPublicKey(key).export({ format: 'jwk' })
  return {
    async prove({ method, uri, nonce, accessToken }) {
      const htu = normalizeHttpUri(uri)
      if (htu === undefined) throw new Error('no http URI')
      const claims = {
        jti: randomUUID(),
        htm: method,
        htu,
        iat: Math.floor(now() / 1_000),
        ...(nonce !== undefined && { nonce }),
        ...(accessToken !== undefined && { ath: sha256(accessToken) }),
      }
      return new SignJWT(claims).setProtectedHeader({ typ: dpopProofType, alg: algorithm, jwk }).sign(key)
    },
  }
}
