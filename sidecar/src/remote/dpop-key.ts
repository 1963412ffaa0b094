/** A key of the sidecar that tokens are bound to, and proofs that it holds it (RFC 9449 section 4.2). */
import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import { dpopProofType, normalizeHttpUri } from '@postern/protocol/dpop'
import { SignJWT } from 'jose'
import type { Secret } from '../config/changing-secret.ts'
import { sha256 } from './sha256.ts'
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
export function createDpopKey(key: Pick<Secret<SigningKey>, 'current'>, now: () => number): DpopKey {
  return {
    async prove({ method, uri, nonce, accessToken }) {
      const { key: privateKey, algorithm } = key.current()
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
      const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
      return new SignJWT(claims).setProtectedHeader({ typ: dpopProofType, alg: algorithm, jwk }).sign(privateKey)
    },
  }
}

/** A key for as long as the sidecar runs. */
export function generateDpopKey(): Pick<Secret<SigningKey>, 'current'> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = { key: privateKey, algorithm: 'ES256', kid: undefined }
  return { current: () => key }
}
