import { randomUUID } from 'node:crypto'
import Type from 'typebox'
import { createInitialAccessToken, hashToken } from '../../registration/tokens.ts'
import {
  deleteInitialAccessToken,
  findInitialAccessToken,
  type InitialAccessTokenRow,
  insertInitialAccessToken,
  listInitialAccessTokens,
  updateInitialAccessToken,
} from '../../store/initial-access-tokens.ts'
import type { AdminDeps } from '../deps.ts'
import { resource, someOf, times, toTimes } from '../resource.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })
const UsesLeft = Type.Integer({ minimum: 0, maximum: 100_000, description: 'Clients that may still register with it' })
const ExpiresAt = Type.String({ format: 'date-time', pattern: '^\\d{4}-\\d\\d-\\d\\dT' })

const View = Type.Object({
  id: Type.String(),
  name: Type.String(),
  uses_left: Type.Integer(),
  expires_at: Type.String(),
  ...times,
})
const Created = Type.Object({
  ...View.properties,
  token: Type.String({ description: 'Shown this once' }),
})

const defaultLifetimeMs = 86_400_000

export function initialAccessTokens({ now }: AdminDeps) {
  return resource({
    tag: 'initial access tokens',
    name: 'initial_access_token',
    description: 'Each lets so many clients register themselves at an auth server (RFC 7591 section 3).',
    path: '/auth-servers/:auth_server/initial-access-tokens',
    item: 'token',
    key: 'id',
    params: Type.Object({ auth_server: Type.String() }),
    create: Type.Object(
      {
        name: Name,
        uses_left: Type.Optional({ ...UsesLeft, description: 'Clients that may register with it. Default: 1' }),
        expires_at: Type.Optional({ ...ExpiresAt, description: 'Default: in a day' }),
      },
      { additionalProperties: false },
    ),
    update: someOf({ name: Name, uses_left: UsesLeft, expires_at: ExpiresAt }),
    view: View,
    created: Created,
    operations: {
      list: (access, { auth_server }, page) =>
        access.read(async (tx) => (await listInitialAccessTokens(tx, auth_server, page)).map(toView)),
      create: async (access, { auth_server }, { name, uses_left = 1, expires_at }) => {
        const token = createInitialAccessToken()
        return access.change(async (tx) => {
          const row = await insertInitialAccessToken(tx, auth_server, {
            id: randomUUID(),
            name,
            hash: hashToken(token),
            uses_left,
            expires_at: expires_at ?? new Date(now() + defaultLifetimeMs),
          })
          return { ...toView(row), token }
        })
      },
      read: (access, { auth_server }, id) =>
        access.read(async (tx) => {
          const row = await findInitialAccessToken(tx, auth_server, id)
          return row && toView(row)
        }),
      update: (access, { auth_server }, id, body) =>
        access.change(async (tx) => {
          const row = await updateInitialAccessToken(tx, auth_server, id, body)
          return row && toView(row)
        }),
      remove: (access, { auth_server }, id) => access.change((tx) => deleteInitialAccessToken(tx, auth_server, id)),
    },
  })
}

function toView(row: InitialAccessTokenRow) {
  const { id, name, uses_left, expires_at } = row
  return { id, name, uses_left, expires_at: expires_at.toISOString(), ...toTimes(row) }
}
