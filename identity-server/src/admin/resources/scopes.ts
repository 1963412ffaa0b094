import Type from 'typebox'
import { lock } from '../../store/lock.ts'
import { deleteScope, findScope, insertScope, listScopes, type ScopeRow, updateScope } from '../../store/scopes.ts'
import { maxScopes } from '../../tenancy/auth-servers.ts'
import { adminScopes, systemAuthServer } from '../../tenancy/system.ts'
import { Problem } from '../problem.ts'
import { resource, someOf, times, toTimes } from '../resource.ts'

const systemScopes: ReadonlySet<string> = new Set(Object.values(adminScopes))

const Description = Type.String({ maxLength: 2_000 })
const IsDefault = Type.Boolean({ description: 'Granted where a token request names no scope' })
const IncludeInMetadata = Type.Boolean({ description: 'Listed in scopes_supported' })

const View = Type.Object({
  name: Type.String(),
  description: Type.String(),
  is_default: Type.Boolean(),
  include_in_metadata: Type.Boolean(),
  ...times,
})

export function scopes() {
  return resource({
    tag: 'scopes',
    name: 'scope',
    description: 'Scopes of an auth server; a client may have those that it was allowed.',
    path: '/auth-servers/:auth_server/scopes',
    item: 'scope',
    key: 'name',
    params: Type.Object({ auth_server: Type.String() }),
    create: Type.Object(
      {
        // RFC 6749 section 3.3: scope-token.
        name: Type.String({ pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$', maxLength: 200 }),
        description: Type.Optional(Description),
        is_default: Type.Optional(IsDefault),
        include_in_metadata: Type.Optional(IncludeInMetadata),
      },
      { additionalProperties: false },
    ),
    update: someOf({ description: Description, is_default: IsDefault, include_in_metadata: IncludeInMetadata }),
    view: View,
    created: View,
    operations: {
      list: (access, { auth_server }, page) =>
        access.read(async (tx) => (await listScopes(tx, auth_server, page)).map(toView)),
      create: (access, { auth_server }, body) =>
        access.change(async (tx) => {
          await lock(tx, `scopes of ${auth_server}`)
          const all = await listScopes(tx, auth_server, { after: undefined, limit: maxScopes })
          if (all.length >= maxScopes) {
            throw new Problem('limit_reached', `an auth server has at most ${maxScopes} scopes`)
          }
          const row = await insertScope(tx, auth_server, {
            name: body.name,
            description: body.description ?? '',
            is_default: body.is_default ?? false,
            include_in_metadata: body.include_in_metadata ?? false,
          })
          return toView(row)
        }),
      read: (access, { auth_server }, name) =>
        access.read(async (tx) => {
          const row = await findScope(tx, auth_server, name)
          return row && toView(row)
        }),
      update: (access, { auth_server }, name, body) =>
        access.change(async (tx) => {
          const row = await updateScope(tx, auth_server, name, body)
          return row && toView(row)
        }),
      remove: async (access, { auth_server }, name) => {
        // Without them nobody could use the admin API again, not even to bring them back.
        if (auth_server === systemAuthServer && systemScopes.has(name)) throw new Problem('protected')
        return access.change((tx) => deleteScope(tx, auth_server, name))
      },
    },
  })
}

function toView(row: ScopeRow) {
  const { name, description, is_default, include_in_metadata } = row
  return { name, description, is_default, include_in_metadata, ...toTimes(row) }
}
