/**
 * Client secrets. Those made here have 256 bits of entropy and are kept as keyed SHA-256; imported ones are kept as scrypt
 * hashes. All are compared in constant time.
 */
import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { sameMac } from '../keys/hmac.ts'
import type { MasterKeys } from '../keys/master-keys.ts'
import { hashSlowly, matchesSlowly } from './scrypt.ts'

export interface StoredSecret {
  id: string
  hash: string
  /** The master key of the keyed hash, or `scrypt`. */
  hashKey: string
  /** ms since the epoch; undefined: it does not expire. */
  expiresAt: number | undefined
  /** The secret itself, where the client may sign with it. */
  encrypted: { keyId: string; ciphertext: Uint8Array } | undefined
}

export interface ClientSecrets {
  /**
   * Which of the stored secrets it is. Takes the same time wherever a difference lies, and for a client without secrets.
   * @returns undefined where it is none of them, or the one that it is has expired
   * @throws OAuthError `temporarily_unavailable` where too many imported secrets are being checked
   */
  find(
    secret: string,
    stored: readonly StoredSecret[],
    now: number,
  ): StoredSecret | undefined | Promise<StoredSecret | undefined>
  /** What is stored of a secret that was made here. */
  keep(secret: string): Pick<StoredSecret, 'hash' | 'hashKey'>
  /** What is stored of an imported one. */
  keepImported(secret: string): Promise<Pick<StoredSecret, 'hash' | 'hashKey'>>
  /** What is stored besides, for a client that signs with it. */
  encrypt(secret: string, context: SecretContext): { keyId: string; ciphertext: Buffer }
  decrypt(encrypted: NonNullable<StoredSecret['encrypted']>, context: SecretContext): Buffer
}

export interface SecretContext {
  authServer: string
  client: string
  secret: string
}

/** The `hashKey` of imported secrets. */
export const importedKey = 'scrypt'
/** As long as a keyed hash, and none. */
const decoy = '.'.repeat(43)
/** Imported secrets that were right lately: known again by their keyed hash, without the cost of scrypt. */
const maxRemembered = 10_000

/** A new secret. Its prefix lets secret scanners recognise one that leaked into a repository. */
export function generateClientSecret(): string {
  return `pst_${randomBytes(32).toString('base64url')}`
}

export function createClientSecrets(masterKeys: MasterKeys): ClientSecrets {
  const remembered = new LRUCache<string, true>({ max: maxRemembered })

  const isKeyedHash = (secret: string, { hash, hashKey }: Pick<StoredSecret, 'hash' | 'hashKey'>) => {
    const computed = masterKeys.hashUnder(hashKey, secret)
    return computed !== undefined && sameMac(computed, hash)
  }

  const isImported = async (secret: string, { hash }: StoredSecret) => {
    const key = `${hash}\n${masterKeys.hash(secret).hash}`
    if (remembered.get(key)) return true
    const matches = await matchesSlowly(secret, hash)
    if (matches) remembered.set(key, true)
    return matches
  }

  return {
    find(secret, stored, now) {
      let found: StoredSecret | undefined
      for (const one of stored) if (isKeyedHash(secret, one)) found = one
      // An unknown client costs one comparison too, so that time does not tell which ids exist.
      if (stored.length === 0) isKeyedHash(secret, { hash: decoy, hashKey: masterKeys.currentKeyId })
      const imported = found ? [] : stored.filter(({ hashKey }) => hashKey === importedKey)
      return imported.length === 0
        ? inForce(found, now)
        : findImported(secret, imported, isImported).then((one) => inForce(one, now))
    },
    keep(secret) {
      const { keyId, hash } = masterKeys.hash(secret)
      return { hash, hashKey: keyId }
    },
    keepImported: async (secret) => ({ hash: await hashSlowly(secret), hashKey: importedKey }),
    encrypt: (secret, context) => masterKeys.encrypt(Buffer.from(secret), contextOf(context)),
    decrypt: ({ keyId, ciphertext }, context) => masterKeys.decrypt(keyId, ciphertext, contextOf(context)),
  }
}

async function findImported(
  secret: string,
  stored: readonly StoredSecret[],
  matches: (secret: string, stored: StoredSecret) => Promise<boolean>,
): Promise<StoredSecret | undefined> {
  for (const one of stored) if (await matches(secret, one)) return one
  return undefined
}

function inForce(secret: StoredSecret | undefined, now: number): StoredSecret | undefined {
  return secret && (secret.expiresAt === undefined || now < secret.expiresAt) ? secret : undefined
}

/** What the ciphertext of a stored secret belongs to. */
export function clientSecretContext(row: { auth_server_id: string; client_id: string; id: string }): string {
  return contextOf({ authServer: row.auth_server_id, client: row.client_id, secret: row.id })
}

function contextOf({ authServer, client, secret }: SecretContext): string {
  return `client secret ${authServer} ${client} ${secret}`
}
