import Type from 'typebox'
import { Value } from 'typebox/value'
import { type AuditEntryRow, listAuditEntries } from '../../store/audit-log.ts'
import { idsBetween, Period } from '../period.ts'
import { nullable, resource } from '../resource.ts'

const text = (maxLength: number) => Type.Optional(Type.String({ maxLength }))

const Filter = Type.Object({
  auth_server: text(63),
  actor: text(255),
  action: text(100),
  target: text(1_024),
  ...Period.properties,
})

const Change = Type.Object({ from: Type.Optional(Type.Unknown()), to: Type.Optional(Type.Unknown()) })

const View = Type.Object({
  id: Type.String(),
  at: Type.String({ format: 'date-time' }),
  auth_server_id: nullable(Type.String()),
  actor: nullable(Type.String({ description: 'The client that acted' })),
  actor_token: nullable(Type.String({ description: 'The `jti` of its access token' })),
  action: Type.String(),
  target: Type.String({ description: 'Path of the resource' }),
  changes: Type.Record(Type.String(), Change, { description: 'The members that differ, before and after' }),
})

export function auditLog() {
  return resource({
    tag: 'audit log',
    description: 'What administrators changed below your organization, newest first. Nobody can change an entry.',
    path: '/audit-log',
    item: 'entry',
    key: 'id',
    params: Type.Object({}),
    view: View,
    filter: Filter,
    operations: {
      list: (access, _params, page, query) => {
        const { auth_server: authServer, actor, action, target, ...period } = Value.Parse(Filter, query)
        return access.read(async (tx) => {
          const filter = { authServer, actor, action, target, ...idsBetween(period) }
          return (await listAuditEntries(tx, filter, page)).map(toView)
        })
      },
    },
  })
}

function toView({ ancestors: _, at, changes, ...row }: AuditEntryRow) {
  return { ...row, at: at.toISOString(), changes: Value.Parse(View.properties.changes, changes) }
}
