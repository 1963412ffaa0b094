import { sql } from 'kysely'
import type { Tx } from './database.ts'

export interface SecretUse {
  authServer: string
  secret: string
  at: Date
}

/** Remembers the last use of each secret, as `maintenance`, of many tenants at once. Secrets that are gone are skipped. */
export async function recordSecretUses(tx: Tx, uses: readonly SecretUse[]): Promise<void> {
  const rows = JSON.stringify(uses.map(({ authServer, secret, at }) => ({ a: authServer, s: secret, t: at })))
  await sql`insert into client_secret_uses (auth_server_id, secret_id, last_used_at)
    select s.auth_server_id, s.id, used.t
    from jsonb_to_recordset(${rows}::jsonb) as used (a text, s text, t timestamptz)
    join client_secrets s on s.auth_server_id = used.a and s.id = used.s
    on conflict (auth_server_id, secret_id) do update
    set last_used_at = greatest(client_secret_uses.last_used_at, excluded.last_used_at)`.execute(tx)
}
