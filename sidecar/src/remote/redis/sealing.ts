/** How what is kept in Redis looks to those who read it there: keys are hashes, values are encrypted and bound to their key. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

export interface Sealing {
  /** Of one length, whatever strangers choose; without the secret, nobody can tell what it was made of. */
  name(...parts: string[]): string
  /** @param name that it is stored under: stored under another one, it cannot be opened */
  seal(name: string, value: string): Buffer
  /** @returns undefined where it was not sealed with this secret under this name, or is damaged */
  open(name: string, sealed: Buffer): string | undefined
}

const version = 1
const saltBytes = 16
const ivBytes = 12
const tagBytes = 16
const headBytes = 1 + saltBytes + ivBytes

export function createSealing(secret: string): Sealing {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', `postern sidecar ${purpose}`, 32))
  const [nameKey, valueKey] = [derive('names'), derive('values')]
  // A key for each value: random nonces alone must not be used more than 2^32 times with one (NIST SP 800-38D section 8.3).
  const keyOf = (salt: Buffer) => createHmac('sha256', valueKey).update(salt).digest()

  return {
    // As JSON, so that no two lists of parts look alike.
    name: (...parts) => createHmac('sha256', nameKey).update(JSON.stringify(parts)).digest('base64url'),
    seal(name, value) {
      const head = Buffer.concat([Buffer.of(version), randomBytes(saltBytes + ivBytes)])
      const { salt, iv } = partsOf(head)
      const cipher = createCipheriv('aes-256-gcm', keyOf(salt), iv).setAAD(Buffer.from(name))
      return Buffer.concat([head, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    open(name, sealed) {
      if (sealed.length < headBytes + tagBytes || sealed[0] !== version) return undefined
      const { salt, iv } = partsOf(sealed)
      const decipher = createDecipheriv('aes-256-gcm', keyOf(salt), iv, { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(name)).setAuthTag(sealed.subarray(-tagBytes))
      try {
        const opened = [decipher.update(sealed.subarray(headBytes, -tagBytes)), decipher.final()]
        return Buffer.concat(opened).toString('utf8')
      } catch {
        // The secret was changed, or somebody wrote there who does not know it: there is no such value.
        return undefined
      }
    },
  }
}

/** That of the secret in force. */
export function createChangingSealing(current: () => Sealing): Sealing {
  return {
    name: (...parts) => current().name(...parts),
    seal: (name, value) => current().seal(name, value),
    open: (name, sealed) => current().open(name, sealed),
  }
}

function partsOf(sealed: Buffer): { salt: Buffer; iv: Buffer } {
  return { salt: sealed.subarray(1, 1 + saltBytes), iv: sealed.subarray(1 + saltBytes, headBytes) }
}
