import Type from 'typebox'
import { Value } from 'typebox/value'
import { listEvents, type StoredEvent } from '../../store/events.ts'
import { idsBetween, Period } from '../period.ts'
import { nullable, resource } from '../resource.ts'

const Filter = Type.Object({
  type: Type.Optional(Type.String({ maxLength: 100 })),
  client: Type.Optional(Type.String({ maxLength: 255 })),
  subject: Type.Optional(Type.String({ maxLength: 512 })),
  ...Period.properties,
})

const View = Type.Object({
  id: Type.String(),
  at: Type.String({ format: 'date-time' }),
  type: Type.String(),
  client_id: nullable(Type.String()),
  subject: nullable(Type.String()),
  data: Type.Record(Type.String(), Type.Unknown(), { description: 'The further members of its type' }),
})

export function events() {
  return resource({
    tag: 'events',
    description: 'What happened at an auth server, newest first.',
    path: '/auth-servers/:auth_server/events',
    item: 'event',
    key: 'id',
    params: Type.Object({ auth_server: Type.String() }),
    view: View,
    filter: Filter,
    operations: {
      list: (access, { auth_server }, page, query) => {
        const { type, client, subject, ...period } = Value.Parse(Filter, query)
        return access.read(async (tx) => {
          const filter = { type, client, subject, ...idsBetween(period) }
          return (await listEvents(tx, auth_server, filter, page)).map(toView)
        })
      },
    },
  })
}

function toView({ auth_server_id: _, at, ...row }: StoredEvent) {
  return { ...row, at: at.toISOString() }
}
