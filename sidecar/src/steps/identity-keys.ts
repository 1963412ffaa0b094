/** The keys of identity tokens: the one that signs, and those before it for as long as what they signed is valid. */
import { createPublicKey, sign } from 'node:crypto'
import type { Secret } from '../config/changing-secret.ts'
import { generateSigningKey, readSigningKey, type SigningKey } from '../remote/signing/signing-key.ts'
import { jwkThumbprint } from './jwk-thumbprint.ts'

export interface IdentityKeys {
  /** The one that signs now. */
  current(): IdentityKey
  /** What all of them are verified with, as a JWK Set (RFC 7517 section 5). */
  jwks(): { keys: readonly object[] }
}

export interface IdentityKey {
  readonly algorithm: string
  /** The thumbprint of the key (RFC 7638). */
  readonly kid: string
  sign(input: string): Buffer
}

export interface IdentityKeysOptions {
  key: Pick<Secret<SigningKey>, 'current'>
  /** How long tokens are valid. */
  lifetimeMs: number
  /** ms since the epoch */
  now: () => number
}

/** Another sidecar of the same key file may sign a moment longer with the old one. */
const othersNoticeWithinMs = 5_000
/** However often the file changes. */
const maxFormer = 10

export function createIdentityKeys({ key, lifetimeMs, now }: IdentityKeysOptions): IdentityKeys {
  let used = key.current()
  let prepared = prepare(used)
  let former: { jwk: { kid: string }; until: number }[] = []

  const current = () => {
    const found = key.current()
    if (found === used) return prepared
    const [{ jwk }, until] = [prepared, now() + lifetimeMs + othersNoticeWithinMs]
    used = found
    prepared = prepare(found)
    const others = former.filter((one) => one.jwk.kid !== prepared.jwk.kid)
    former = [{ jwk, until }, ...others].slice(0, maxFormer)
    return prepared
  }

  return {
    current,
    jwks() {
      const { jwk } = current()
      former = former.filter(({ until }) => now() < until)
      return { keys: [jwk, ...former.map((one) => one.jwk)] }
    },
  }
}

function prepare({ key, algorithm }: SigningKey) {
  const publicJwk = createPublicKey(key).export({ format: 'jwk' })
  const kid = jwkThumbprint(publicJwk)
  const hash = algorithm === 'ES256' ? 'sha256' : null
  return {
    algorithm,
    kid,
    jwk: { ...publicJwk, kid, alg: algorithm, use: 'sig' },
    sign: (input: string) => sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }),
  }
}

/** @throws Error, without any part of the text, where it is no such key */
export function readIdentityKey(text: string): SigningKey {
  const key = readSigningKey(text)
  if (['ES256', 'EdDSA', 'Ed25519'].includes(key.algorithm)) return key
  throw new Error('the key of the identity token is none of ES256 or EdDSA')
}

/** For as long as the sidecar runs. */
export function generateIdentityKey(): Pick<Secret<SigningKey>, 'current'> {
  const key = generateSigningKey()
  return { current: () => key }
}
