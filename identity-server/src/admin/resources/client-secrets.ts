import Type from 'typebox'
import { maxClientSecrets } from '../../clients/clients.ts'
import { addClientSecret } from '../../clients/new-secret.ts'
import { generateClientSecret, importedKey } from '../../clients/secret.ts'
import {
  deleteClientSecret,
  findClientSecret,
  listClientSecrets,
  type UsedClientSecretRow,
  updateClientSecret,
} from '../../store/client-secrets.ts'
import { type ClientRow, findClient } from '../../store/clients.ts'
import type { Tx } from '../../store/database.ts'
import { lock } from '../../store/lock.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { resource, someOf, times, toTimes } from '../resource.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })
const ExpiresAt = Type.Union([
  Type.String({ format: 'date-time', pattern: '^\\d{4}-\\d\\d-\\d\\dT' }),
  Type.Null({ description: 'It does not expire' }),
])

/** VSCHAR of RFC 6749 appendix A. Short ones exist; scrypt is why they may stay. */
const ImportedSecret = Type.String({
  pattern: '^[\\x20-\\x7E]{8,256}$',
  description: 'An existing secret to take over, in place of a new one',
})

const View = Type.Object({
  id: Type.String(),
  name: Type.String(),
  expires_at: Type.Union([Type.String(), Type.Null()]),
  last_used_at: Type.Union([Type.String(), Type.Null()], { description: 'To within a minute' }),
  imported: Type.Boolean({ description: 'Whether it was given, and not made here' }),
  signs: Type.Boolean({ description: 'Whether it may sign assertions (client_secret_jwt)' }),
  ...times,
})
const Created = Type.Object({
  ...View.properties,
  secret: Type.Optional(Type.String({ description: 'Shown this once; not where it was imported' })),
})

export function clientSecrets({ secrets }: AdminDeps) {
  return resource({
    tag: 'client secrets',
    name: 'client_secret',
    description: 'Secrets of a client. Several are valid at once, so that they can be rotated without a gap.',
    path: '/auth-servers/:auth_server/clients/:client/secrets',
    item: 'secret',
    key: 'id',
    params: Type.Object({ auth_server: Type.String(), client: Type.String() }),
    create: Type.Object(
      { name: Name, expires_at: Type.Optional(ExpiresAt), secret: Type.Optional(ImportedSecret) },
      { additionalProperties: false },
    ),
    update: someOf({ name: Name, expires_at: ExpiresAt }),
    view: View,
    created: Created,
    operations: {
      list: (access, { auth_server, client }, page) =>
        access.read(async (tx) => {
          await requireClient(tx, auth_server, client)
          return (await listClientSecrets(tx, auth_server, client, page)).map(toView)
        }),
      create: async (access, { auth_server, client }, body) => {
        const secret = body.secret ?? generateClientSecret()
        // Before the transaction: hashing an imported secret takes its time.
        const kept = body.secret === undefined ? secrets.keep(secret) : await secrets.keepImported(secret)
        return access.change(async (tx) => {
          const { token_endpoint_auth_methods: authMethods } = await requireClient(tx, auth_server, client)
          await lock(tx, `secrets of ${auth_server} ${client}`)
          await requireRoom(tx, auth_server, client)
          const row = await addClientSecret(tx, auth_server, secrets, {
            client,
            authMethods,
            name: body.name,
            secret,
            kept,
            expiresAt: body.expires_at ?? null,
          })
          return { ...toView({ ...row, last_used_at: null }), ...(body.secret === undefined && { secret }) }
        })
      },
      read: (access, { auth_server, client }, id) =>
        access.read(async (tx) => {
          const row = await findClientSecret(tx, auth_server, client, id)
          return row && toView(row)
        }),
      update: (access, { auth_server, client }, id, body) =>
        access.change(async (tx) => {
          const row = await updateClientSecret(tx, auth_server, client, id, body)
          return row && toView(row)
        }),
      remove: (access, { auth_server, client }, id) =>
        access.change((tx) => deleteClientSecret(tx, auth_server, client, id)),
    },
  })
}

async function requireClient(tx: Tx, authServer: string, client: string): Promise<ClientRow> {
  const row = await findClient(tx, authServer, client)
  if (!row) throw new Problem('not_found', 'there is no such client')
  return row
}

async function requireRoom(tx: Tx, authServer: string, client: string): Promise<void> {
  const present = await listClientSecrets(tx, authServer, client, { after: undefined, limit: maxClientSecrets })
  if (present.length >= maxClientSecrets) {
    throw new Problem('limit_reached', `a client has at most ${maxClientSecrets} secrets`)
  }
}

function toView(row: UsedClientSecretRow) {
  return {
    id: row.id,
    name: row.name,
    expires_at: row.expires_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    imported: row.hash_key === importedKey,
    signs: row.ciphertext !== null,
    ...toTimes(row),
  }
}
