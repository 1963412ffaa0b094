/** The secret of a registered client: made when it needs one, and anew before the last one expires. */
import { maxClientSecrets } from '../clients/clients.ts'
import { addClientSecret } from '../clients/new-secret.ts'
import { type ClientSecrets, generateClientSecret } from '../clients/secret.ts'
import { type ClientSecretRow, deleteClientSecret, listClientSecrets } from '../store/client-secrets.ts'
import type { Tx } from '../store/database.ts'

export interface SecretNeed {
  client: string
  authMethods: readonly string[]
  /** Seconds; undefined: secrets do not expire. */
  lifetime: number | undefined
  /** ms since the epoch */
  now: number
}

export interface RegisteredSecret {
  /** Present where it has just been made: it is shown this once. */
  secret?: string
  /** Null: never. Undefined: the client has none. */
  expiresAt: Date | null | undefined
}

/** Makes a secret where the client needs one and has none that lasts, and deletes all where it needs none. */
export async function provideSecret(
  tx: Tx,
  authServer: string,
  secrets: ClientSecrets,
  need: SecretNeed,
): Promise<RegisteredSecret> {
  const present = await secretsOf(tx, authServer, need.client)
  if (!usesSecret(need.authMethods)) {
    // Of no use any more; and should the client come back to them, none that leaked meanwhile may still be good.
    for (const { id } of present) await deleteClientSecret(tx, authServer, need.client, id)
    return { expiresAt: undefined }
  }
  const usable = present.filter((row) => isUsable(row, need))
  const lasting = usable.filter((row) => isLasting(row, need))
  if (lasting.length > 0) return { expiresAt: latest(lasting) }

  const kept = present.filter((row) => usable.includes(row)).sort(byAge)
  const superfluous = [...present.filter((row) => !usable.includes(row)), ...kept.slice(maxClientSecrets - 1)]
  for (const { id } of superfluous) await deleteClientSecret(tx, authServer, need.client, id)
  const secret = generateClientSecret()
  const expiresAt = need.lifetime === undefined ? null : new Date(wholeSeconds(need.now) + need.lifetime * 1_000)
  const { client, authMethods } = need
  await addClientSecret(tx, authServer, secrets, {
    client,
    authMethods,
    name: 'registration',
    secret,
    kept: secrets.keep(secret),
    expiresAt,
  })
  return { secret, expiresAt }
}

/** When the client's last secret expires. */
export async function expiryOfSecrets(
  tx: Tx,
  authServer: string,
  need: Omit<SecretNeed, 'lifetime'>,
): Promise<Date | null | undefined> {
  if (!usesSecret(need.authMethods)) return undefined
  return latest(await secretsOf(tx, authServer, need.client))
}

export function secretsOf(tx: Tx, authServer: string, client: string): Promise<ClientSecretRow[]> {
  return listClientSecrets(tx, authServer, client, { after: undefined, limit: maxClientSecrets })
}

function usesSecret(authMethods: readonly string[]): boolean {
  return authMethods.some((method) => method.startsWith('client_secret_'))
}

/** Not expired and, where it shall sign, kept itself. */
function isUsable({ expires_at, ciphertext }: ClientSecretRow, { authMethods, now }: SecretNeed): boolean {
  const fits = ciphertext !== null || !authMethods.includes('client_secret_jwt')
  return fits && (expires_at === null || expires_at.getTime() > now)
}

/** For more than half of a lifetime: whoever asks later gets the next one, while the last is still good. */
function isLasting({ expires_at }: ClientSecretRow, { lifetime = 0, now }: SecretNeed): boolean {
  return expires_at === null || expires_at.getTime() - now > (lifetime * 1_000) / 2
}

function latest(rows: readonly ClientSecretRow[]): Date | null | undefined {
  if (rows.length === 0) return undefined
  if (rows.some(({ expires_at }) => expires_at === null)) return null
  return new Date(Math.max(...rows.map(({ expires_at }) => expires_at?.getTime() ?? 0)))
}

/** Newest first. */
function byAge(one: ClientSecretRow, other: ClientSecretRow): number {
  return other.created_at.getTime() - one.created_at.getTime()
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000
}
