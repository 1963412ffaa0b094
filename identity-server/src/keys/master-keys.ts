/**
 * The master keys: what the database holds is worthless without them. From each, one key is derived to encrypt signing
 * keys and one to hash client secrets. The first of the list encrypts and hashes; all of them decrypt and verify, so
 * that a new one can be put in front while the old one is still needed.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { createHmacSha256, sameMac } from './hmac.ts'

export interface MasterKeys {
  /** The id of the first key. */
  readonly currentKeyId: string
  /** The ids of all of them, in their order. */
  readonly keyIds: readonly string[]
  /**
   * Encrypts with AES-256-GCM under the first key.
   * @param context what the ciphertext belongs to; decryption with another context fails
   */
  encrypt(plaintext: Buffer, context: string): { keyId: string; ciphertext: Buffer }
  /** @throws Error where the key is not in the list, or ciphertext or context was changed */
  decrypt(keyId: string, ciphertext: Uint8Array, context: string): Buffer
  /** HMAC-SHA-256 of a secret under the first key, base64url. */
  hash(secret: string): { keyId: string; hash: string }
  /** The same under a named key, or undefined where that key is not in the list. */
  hashUnder(keyId: string, secret: string): string | undefined
  /** What replicas of this server can recognise as made by one of them, with keys for this purpose alone. */
  createMac(purpose: string): Mac
}

export interface Mac {
  /** HMAC-SHA-256 under the first key. */
  sign(text: string): Buffer
  /** Whether it was made under any key of the list. */
  verify(text: string, mac: Buffer): boolean
}

const ivBytes = 12
const tagBytes = 16

/**
 * @param keys each 32 random bytes as base64url; at least one
 * @throws Error where one is not; the message tells its position, never its value
 */
export function createMasterKeys(keys: readonly string[]): MasterKeys {
  const ring = keys.map(toKeys)
  const [first] = ring
  if (!first) throw new Error('no master key is given')
  const byId = new Map(ring.map((key) => [key.id, key]))

  return {
    currentKeyId: first.id,
    keyIds: ring.map(({ id }) => id),
    encrypt(plaintext, context) {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', first.encryption, iv).setAAD(Buffer.from(context))
      const ciphertext = Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
      return { keyId: first.id, ciphertext }
    },
    decrypt(keyId, ciphertext, context) {
      const key = byId.get(keyId)
      if (!key) throw new Error(`master key ${keyId} is not in the list`)
      const bytes = Buffer.from(ciphertext)
      const decipher = createDecipheriv('aes-256-gcm', key.encryption, bytes.subarray(0, ivBytes))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(-tagBytes))
      return Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()])
    },
    hash: (secret) => ({ keyId: first.id, hash: first.hash(secret) }),
    hashUnder: (keyId, secret) => byId.get(keyId)?.hash(secret),
    createMac(purpose) {
      const keys = ring.map(({ derive }) => createHmacSha256(derive(purpose)))
      const newest = createHmacSha256(first.derive(purpose))
      return {
        sign: (text) => Buffer.from(newest(text), 'base64url'),
        verify: (text, mac) => keys.some((hmac) => sameMac(hmac(text), mac.toString('base64url'))),
      }
    },
  }
}

/** A new master key. */
export function generateMasterKey(): string {
  return randomBytes(32).toString('base64url')
}

function toKeys(text: string, position: number) {
  const key = Buffer.from(text, 'base64url')
  if (key.length !== 32 || key.toString('base64url') !== text) {
    throw new Error(`master key ${position + 1} is not 32 bytes in base64url`)
  }
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', key, '', `postern ${purpose}`, 32))
  return {
    id: createHash('sha256').update('postern key id').update(key).digest('hex').slice(0, 12),
    encryption: derive('signing key encryption'),
    hash: createHmacSha256(derive('client secret hashing')),
    derive,
  }
}
