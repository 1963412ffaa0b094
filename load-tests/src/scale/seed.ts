/** Many tenants at once, straight into the tables of an identity server: through the admin API they would take an hour. */
import { generateKeyPairSync } from 'node:crypto'
import type { MasterKeys } from '@postern/identity-server/keys/master-keys'
import { signingKeyContext } from '@postern/identity-server/keys/signing-keys'
import pg from 'pg'

export interface Scale {
  authServers: number
  /** Of all auth servers together. */
  clients: number
}

export const scaleScope = 'read'

/** Client number `index`, which belongs to one of the auth servers in turn. */
export function clientNumber(index: number, { authServers }: Scale): { authServer: string; id: string } {
  return { authServer: `scale-${index % authServers}`, id: `client-${index}` }
}

const keysAtOnce = 1_000

/** @param secret of every client */
export async function seedTenants(databaseUrl: string, masterKeys: MasterKeys, scale: Scale, secret: string) {
  const db = new pg.Client({ connectionString: databaseUrl })
  await db.connect()
  try {
    // No triggers: nobody listens yet, and all references hold.
    await db.query('set session_replication_role = replica')
    const { authServers, clients } = scale
    const { keyId, hash } = masterKeys.hash(secret)
    await db.query(`insert into organizations (id, ancestors, name) values ('scale', '{scale}', 'Scale')`)
    await db.query(
      `insert into auth_servers (id, organization_id, name, description, audience, access_token_lifetime, signing_algorithm)
        select 'scale-' || i, 'scale', 'Scale', '', 'scale-api', 3600, 'ES256' from generate_series(0, $1 - 1) i`,
      [authServers],
    )
    await db.query(
      `insert into scopes (auth_server_id, name, description, is_default, include_in_metadata)
        select 'scale-' || i, '${scaleScope}', '', true, true from generate_series(0, $1 - 1) i`,
      [authServers],
    )
    const each = `from (select 'scale-' || i % $1 as auth_server, 'client-' || i as id from generate_series(0, $2 - 1) i) c`
    await db.query(
      `insert into clients (auth_server_id, id, name, enabled, grant_types, token_endpoint_auth_methods, may_introspect)
        select c.auth_server, c.id, 'Scale', true, '{client_credentials}', '{client_secret_post}', false ${each}`,
      [authServers, clients],
    )
    await db.query(
      `insert into client_scopes (auth_server_id, client_id, scope) select c.auth_server, c.id, '${scaleScope}' ${each}`,
      [authServers, clients],
    )
    await db.query(
      `insert into client_secrets (auth_server_id, id, client_id, name, hash, hash_key)
        select c.auth_server, c.id, c.id, 'scale', $3, $4 ${each}`,
      [authServers, clients, hash, keyId],
    )
    for (let first = 0; first < authServers; first += keysAtOnce) {
      await seedKeys(db, masterKeys, first, Math.min(keysAtOnce, authServers - first))
    }
    await db.query('analyze')
  } finally {
    await db.end()
  }
}

async function seedKeys(db: pg.Client, masterKeys: MasterKeys, first: number, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => {
    const kid = `key-${first + index}`
    const authServer = `scale-${first + index}`
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const context = signingKeyContext({ auth_server_id: authServer, kid })
    const jwk = Buffer.from(JSON.stringify(privateKey.export({ format: 'jwk' })))
    const { keyId, ciphertext } = masterKeys.encrypt(jwk, context)
    return { authServer, kid, publicKey: JSON.stringify(publicKey.export({ format: 'jwk' })), ciphertext, keyId }
  })
  const column = (name: keyof (typeof rows)[number]) => rows.map((row) => row[name])
  await db.query(
    `insert into signing_keys
        (auth_server_id, kid, algorithm, state, public_key, private_key, encryption_key, activates_at)
      select k.auth_server, k.kid, 'ES256', 'active', k.public_key, k.private_key, k.encryption_key, now()
      from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[])
        k (auth_server, kid, public_key, private_key, encryption_key)`,
    [column('authServer'), column('kid'), column('publicKey'), column('ciphertext'), column('keyId')],
  )
}
