import { AuthorizationDetail } from '@postern/protocol/authorization-details'
import { Confirmation } from '@postern/protocol/confirmation'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { grantRevoked } from '../../revocations/events.ts'
import { endGrant } from '../../revocations/revoke.ts'
import { findGrant, type GrantRow, listGrants } from '../../store/grants.ts'
import { parseGranted } from '../../tokens/granted.ts'
import type { AdminDeps } from '../deps.ts'
import { nullable, resource } from '../resource.ts'

const Time = Type.String({ format: 'date-time' })

const View = Type.Object({
  id: Type.String({ description: 'The `grant_id` of its access tokens' }),
  client_id: Type.String(),
  subject: Type.String(),
  scopes: Type.Array(Type.String()),
  audiences: Type.Array(Type.String()),
  authorization_details: Type.Array(AuthorizationDetail),
  confirmation: nullable(Confirmation),
  created_at: Time,
  used_at: Time,
  idle_until: Time,
  ends_at: Time,
})

const Filter = Type.Object({
  client_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'Grants of this client' })),
  subject: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: 'Grants of this subject' })),
})

export function grants({ now }: AdminDeps) {
  return resource({
    tag: 'grants',
    name: 'grant',
    description: 'Grants that refresh tokens keep alive. To delete one revokes it, with all of its tokens.',
    path: '/auth-servers/:auth_server/grants',
    item: 'grant',
    key: 'id',
    params: Type.Object({ auth_server: Type.String() }),
    view: View,
    filter: Filter,
    operations: {
      list: (access, { auth_server }, page, query) => {
        const { client_id: client, subject } = Value.Parse(Filter, query)
        return access.read(async (tx) => (await listGrants(tx, auth_server, { client, subject }, page)).map(toView))
      },
      read: (access, { auth_server }, id) =>
        access.read(async (tx) => {
          const row = await findGrant(tx, auth_server, id)
          return row && toView(row)
        }),
      remove: (access, { auth_server }, id) =>
        access.change(async (tx, tell) => {
          const ended = await endGrant(tx, auth_server, id, now())
          if (ended) tell(grantRevoked(ended))
          return ended !== undefined
        }),
    },
  })
}

function toView(row: GrantRow) {
  const { scopes, audiences, authorization_details } = parseGranted(row.granted)
  return {
    id: row.id,
    client_id: row.client_id,
    subject: row.subject,
    scopes,
    audiences,
    authorization_details,
    confirmation: row.confirmation === null ? null : Value.Parse(Confirmation, row.confirmation),
    created_at: row.created_at.toISOString(),
    used_at: row.used_at.toISOString(),
    idle_until: row.idle_until.toISOString(),
    ends_at: row.ends_at.toISOString(),
  }
}
