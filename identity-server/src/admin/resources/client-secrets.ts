import { randomUUID } from 'node:crypto'
import Type from 'typebox'
import { maxClientSecrets } from '../../clients/clients.ts'
import { generateClientSecret } from '../../clients/secret.ts'
import {
  type ClientSecretRow,
  deleteClientSecret,
  findClientSecret,
  insertClientSecret,
  listClientSecrets,
  updateClientSecret,
} from '../../store/client-secrets.ts'
import { findClient } from '../../store/clients.ts'
import type { Tx } from '../../store/database.ts'
import { lock } from '../../store/lock.ts'
import { type AdminDeps, authServerTenant } from '../deps.ts'
import { Problem } from '../problem.ts'
import { resource, someOf, times, toTimes } from '../resource.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })
const ExpiresAt = Type.Union([
  Type.String({ format: 'date-time', pattern: '^\\d{4}-\\d\\d-\\d\\dT' }),
  Type.Null({ description: 'It does not expire' }),
])

const View = Type.Object({
  id: Type.String(),
  name: Type.String(),
  expires_at: Type.Union([Type.String(), Type.Null()]),
  ...times,
})
const Created = Type.Object({ ...View.properties, secret: Type.String({ description: 'Shown this once' }) })

export function clientSecrets({ db, masterKeys }: AdminDeps) {
  return resource({
    tag: 'client secrets',
    description: 'Secrets of a client. Several are valid at once, so that they can be rotated without a gap.',
    path: '/auth-servers/:auth_server/clients/:client/secrets',
    item: 'secret',
    key: 'id',
    params: Type.Object({ auth_server: Type.String(), client: Type.String() }),
    create: Type.Object({ name: Name, expires_at: Type.Optional(ExpiresAt) }, { additionalProperties: false }),
    update: someOf({ name: Name, expires_at: ExpiresAt }),
    view: View,
    created: Created,
    operations: {
      list: async (admin, { auth_server, client }, page) =>
        db.read(await authServerTenant(db, admin, auth_server), async (tx) => {
          await requireClient(tx, auth_server, client)
          return (await listClientSecrets(tx, auth_server, client, page)).map(toView)
        }),
      create: async (admin, { auth_server, client }, body) =>
        db.write(await authServerTenant(db, admin, auth_server), async (tx) => {
          await requireClient(tx, auth_server, client)
          await lock(tx, `secrets of ${auth_server} ${client}`)
          const present = await listClientSecrets(tx, auth_server, client, {
            after: undefined,
            limit: maxClientSecrets,
          })
          if (present.length >= maxClientSecrets) {
            throw new Problem('limit_reached', `a client has at most ${maxClientSecrets} secrets`)
          }
          const secret = generateClientSecret()
          const { keyId, hash } = masterKeys.hash(secret)
          const row = await insertClientSecret(tx, auth_server, {
            id: randomUUID(),
            client_id: client,
            name: body.name,
            hash,
            hash_key: keyId,
            expires_at: body.expires_at ?? null,
          })
          return { ...toView(row), secret }
        }),
      read: async (admin, { auth_server, client }, id) =>
        db.read(await authServerTenant(db, admin, auth_server), async (tx) => {
          const row = await findClientSecret(tx, auth_server, client, id)
          return row && toView(row)
        }),
      update: async (admin, { auth_server, client }, id, body) =>
        db.write(await authServerTenant(db, admin, auth_server), async (tx) => {
          const row = await updateClientSecret(tx, auth_server, client, id, body)
          return row && toView(row)
        }),
      remove: async (admin, { auth_server, client }, id) =>
        db.write(await authServerTenant(db, admin, auth_server), (tx) =>
          deleteClientSecret(tx, auth_server, client, id),
        ),
    },
  })
}

async function requireClient(tx: Tx, authServer: string, client: string): Promise<void> {
  if (!(await findClient(tx, authServer, client))) throw new Problem('not_found', 'there is no such client')
}

function toView(row: ClientSecretRow) {
  return { id: row.id, name: row.name, expires_at: row.expires_at?.toISOString() ?? null, ...toTimes(row) }
}
