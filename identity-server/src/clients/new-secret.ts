/** A new secret of a client, made within the transaction of whatever asks for it. */
import { randomUUID } from 'node:crypto'
import type { ClientSecretRow } from '../store/client-secrets.ts'
import { insertClientSecret } from '../store/client-secrets.ts'
import type { Tx } from '../store/database.ts'
import type { ClientSecrets, StoredSecret } from './secret.ts'

export interface NewSecret {
  client: string
  /** The client's methods: a secret that may sign is also kept itself, encrypted. */
  authMethods: readonly string[]
  name: string
  secret: string
  /** What is stored of it. */
  kept: Pick<StoredSecret, 'hash' | 'hashKey'>
  expiresAt: Date | string | null
}

export function addClientSecret(
  tx: Tx,
  authServer: string,
  secrets: Pick<ClientSecrets, 'encrypt'>,
  { client, authMethods, name, secret, kept, expiresAt }: NewSecret,
): Promise<ClientSecretRow> {
  const id = randomUUID()
  const signing = authMethods.includes('client_secret_jwt')
    ? secrets.encrypt(secret, { authServer, client, secret: id })
    : undefined
  return insertClientSecret(tx, authServer, {
    id,
    client_id: client,
    name,
    hash: kept.hash,
    hash_key: kept.hashKey,
    ciphertext: signing?.ciphertext ?? null,
    encryption_key: signing?.keyId ?? null,
    expires_at: expiresAt,
    expiry_told_at: null,
  })
}
