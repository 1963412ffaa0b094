import { randomUUID } from 'node:crypto'
import Type from 'typebox'
import {
  deleteOrganization,
  findOrganization,
  insertOrganization,
  listOrganizations,
  type OrganizationRow,
  updateOrganization,
} from '../../store/organizations.ts'
import { rootOrganization } from '../../tenancy/system.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { resource, someOf, times, toTimes } from '../resource.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })

const View = Type.Object({
  id: Type.String(),
  parent_id: Type.Union([Type.String(), Type.Null()]),
  name: Type.String(),
  ...times,
})

export function organizations({ db }: AdminDeps) {
  return resource({
    tag: 'organizations',
    description: 'Organizations form a tree; auth servers belong to them.',
    path: '/organizations',
    item: 'organization',
    key: 'id',
    params: Type.Object({}),
    create: Type.Object({ parent_id: Type.Optional(Type.String()), name: Name }, { additionalProperties: false }),
    update: someOf({ name: Name }),
    view: View,
    created: View,
    operations: {
      list: (tenant, _params, page) => db.read(tenant, async (tx) => (await listOrganizations(tx, page)).map(toView)),
      create: (tenant, _params, body) =>
        db.write(tenant, async (tx) => {
          const parent = await findOrganization(tx, body.parent_id ?? tenant.organization)
          if (!parent) throw new Problem('unknown_reference', 'there is no such parent organization')
          const id = randomUUID()
          const row = { id, parent_id: parent.id, ancestors: [...parent.ancestors, id], name: body.name }
          return toView(await insertOrganization(tx, row))
        }),
      read: (tenant, _params, id) =>
        db.read(tenant, async (tx) => {
          const row = await findOrganization(tx, id)
          return row && toView(row)
        }),
      update: (tenant, _params, id, body) =>
        db.write(tenant, async (tx) => {
          const row = await updateOrganization(tx, id, body)
          return row && toView(row)
        }),
      remove: (tenant, _params, id) => {
        if (id === rootOrganization) throw new Problem('protected')
        return db.write(tenant, (tx) => deleteOrganization(tx, id))
      },
    },
  })
}

function toView(row: OrganizationRow) {
  return { id: row.id, parent_id: row.parent_id, name: row.name, ...toTimes(row) }
}
