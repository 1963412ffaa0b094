/** Grants whose refresh token somebody presents: found and rotated by one call each (migration 0056). */
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { Database } from './database.ts'
import type { GrantRow, GrantUse } from './grants.ts'

const Bytes = Type.String({ pattern: '^\\\\x[0-9a-f]*$' })
const Time = Type.String()

const presentedGrant = Compile(
  Type.Object({
    auth_server_id: Type.String(),
    id: Type.String(),
    client_id: Type.String(),
    subject: Type.String(),
    granted: Type.Unknown(),
    confirmation: Type.Unknown(),
    token_hash: Bytes,
    created_at: Time,
    used_at: Time,
    idle_until: Time,
    ends_at: Time,
    access_ends_at: Time,
    expires_at: Time,
  }),
)

/** As `findGrant`. @throws StoreError */
export async function findGrantByCall(db: Pick<Database, 'call'>, authServer: string, id: string) {
  const found = await db.call('find_grant', authServer, id)
  if (found === null) return undefined
  const grant = presentedGrant.Parse(found)
  // What JSON has no form for: points in time and bytes.
  return {
    ...grant,
    token_hash: Buffer.from(grant.token_hash.slice(2), 'hex'),
    created_at: new Date(grant.created_at),
    used_at: new Date(grant.used_at),
    idle_until: new Date(grant.idle_until),
    ends_at: new Date(grant.ends_at),
    access_ends_at: new Date(grant.access_ends_at),
    expires_at: new Date(grant.expires_at),
  } satisfies GrantRow
}

/**
 * Exchanges the refresh token: of any number of attempts with one token, in whatever process, one succeeds.
 * @param tokenHash of the token that is used
 * @returns whether it still was the grant's current one; then the exchange is durable
 * @throws StoreError
 */
export async function rotateGrant(
  db: Pick<Database, 'call'>,
  authServer: string,
  id: string,
  tokenHash: Uint8Array,
  { token_hash: next, used_at, idle_until, ends_at, access_ends_at, expires_at }: GrantUse,
): Promise<boolean> {
  const times = [used_at, idle_until, ends_at, access_ends_at, expires_at]
  return (await db.call('rotate_grant', authServer, id, tokenHash, next, ...times)) === true
}
