import { randomUUID } from 'node:crypto'
import Type from 'typebox'
import { Value } from 'typebox/value'
import {
  deleteOrganization,
  findOrganization,
  insertOrganization,
  listOrganizations,
  type OrganizationRow,
  updateOrganization,
} from '../../store/organizations.ts'
import { effectiveLimitsOf, handDownLimits, lockLimits } from '../../tenancy/inheritance.ts'
import { Limits } from '../../tenancy/limits.ts'
import { rootOrganization } from '../../tenancy/system.ts'
import { Problem } from '../problem.ts'
import { resource, someOf, times, toTimes } from '../resource.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })

const View = Type.Object({
  id: Type.String(),
  parent_id: Type.Union([Type.String(), Type.Null()]),
  name: Type.String(),
  limits: Limits,
  effective_limits: Limits,
  ...times,
})

export function organizations() {
  return resource({
    tag: 'organizations',
    name: 'organization',
    description: 'Organizations form a tree; auth servers belong to them.',
    path: '/organizations',
    item: 'organization',
    key: 'id',
    params: Type.Object({}),
    organizationOf: ({ id }) => String(id),
    create: Type.Object(
      { parent_id: Type.Optional(Type.String()), name: Name, limits: Type.Optional(Limits) },
      { additionalProperties: false },
    ),
    update: someOf({ name: Name, limits: Limits }),
    view: View,
    created: View,
    operations: {
      list: (access, _params, page) => access.read(async (tx) => (await listOrganizations(tx, page)).map(toView)),
      create: (access, _params, body) =>
        access.change(async (tx) => {
          await lockLimits(tx)
          const parent = await findOrganization(tx, body.parent_id ?? access.organization)
          if (!parent) throw new Problem('unknown_reference', 'there is no such parent organization')
          const id = randomUUID()
          const row = {
            id,
            parent_id: parent.id,
            ancestors: [...parent.ancestors, id],
            name: body.name,
            limits: JSON.stringify(body.limits ?? {}),
            inherited_limits: JSON.stringify(effectiveLimitsOf(parent)),
          }
          return toView(await insertOrganization(tx, row))
        }),
      read: (access, _params, id) =>
        access.read(async (tx) => {
          const row = await findOrganization(tx, id)
          return row && toView(row)
        }),
      update: (access, _params, id, body) =>
        access.change(async (tx) => {
          if (body.limits) await lockLimits(tx)
          const { limits, ...change } = body
          const row = await updateOrganization(tx, id, { ...change, ...(limits && { limits: JSON.stringify(limits) }) })
          const other = row && limits && (await handDownLimits(tx, row))
          if (other !== undefined) {
            throw new Problem(
              'invalid_request',
              `the limits do not allow the signing algorithm of auth server ${other}`,
            )
          }
          return row && toView(row)
        }),
      remove: (access, _params, id) => {
        if (id === rootOrganization) throw new Problem('protected')
        return access.change((tx) => deleteOrganization(tx, id))
      },
    },
  })
}

function toView(row: OrganizationRow) {
  const { id, parent_id, name, limits } = row
  const effective_limits = effectiveLimitsOf(row)
  return { id, parent_id, name, limits: Value.Parse(Limits, limits), effective_limits, ...toTimes(row) }
}
