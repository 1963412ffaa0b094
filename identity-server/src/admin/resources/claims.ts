import Type from 'typebox'
import { claimNamePattern, defaultPlacements, placements } from '../../claims/claim.ts'
import { type ClaimRow, deleteClaim, findClaim, insertClaim, listClaims, updateClaim } from '../../store/claims.ts'
import { maxClaims } from '../../tenancy/auth-servers.ts'
import { checkClaims, lockClaims } from '../claims.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { resource, someOf, times, toTimes } from '../resource.ts'
import { claimEvaluation } from './claim-evaluation.ts'

const Description = Type.String({ maxLength: 2_000 })
const ClaimValue = Type.Unknown({ description: 'Any JSON. Texts may hold CEL, as in "Hello ${ client.name }"' })
const Condition = Type.Union([
  Type.String({ minLength: 1, description: 'CEL that yields a boolean' }),
  Type.Null({ description: 'It always applies' }),
])
const Placements = Type.Array(Type.Union(placements.map((place) => Type.Literal(place))), {
  minItems: 1,
  uniqueItems: true,
  description: 'Where it appears, and nowhere else. Default: access_token and introspection',
})
const Optional = Type.Boolean({ description: 'Left out where it cannot be made, instead of refusing the token' })

const View = Type.Object({
  name: Type.String(),
  description: Type.String(),
  value: Type.Unknown(),
  condition: Type.Union([Type.String(), Type.Null()]),
  placements: Type.Array(Type.String()),
  optional: Type.Boolean(),
  ...times,
})

export function claims(deps: AdminDeps) {
  return resource({
    tag: 'claims',
    name: 'claim',
    description: 'Claims that an auth server adds to tokens and introspection answers.',
    path: '/auth-servers/:auth_server/claims',
    item: 'claim',
    key: 'name',
    params: Type.Object({ auth_server: Type.String() }),
    create: Type.Object(
      {
        name: Type.String({ pattern: claimNamePattern, maxLength: 200 }),
        description: Type.Optional(Description),
        value: ClaimValue,
        condition: Type.Optional(Condition),
        placements: Type.Optional(Placements),
        optional: Type.Optional(Optional),
      },
      { additionalProperties: false },
    ),
    update: someOf({
      description: Description,
      value: ClaimValue,
      condition: Condition,
      placements: Placements,
      optional: Optional,
    }),
    view: View,
    created: View,
    actions: [claimEvaluation(deps)],
    operations: {
      list: (access, { auth_server }, page) =>
        access.read(async (tx) => (await listClaims(tx, auth_server, page)).map(toView)),
      create: (access, { auth_server }, body) =>
        access.change(async (tx) => {
          await lockClaims(tx, auth_server)
          const all = await listClaims(tx, auth_server, { after: undefined, limit: maxClaims })
          if (all.length >= maxClaims) {
            throw new Problem('limit_reached', `an auth server has at most ${maxClaims} claims`)
          }
          const row = await insertClaim(tx, auth_server, {
            name: body.name,
            description: body.description ?? '',
            value: JSON.stringify(body.value),
            condition: body.condition ?? null,
            placements: body.placements ?? [...defaultPlacements],
            optional: body.optional ?? false,
          })
          await checkClaims(tx, deps, auth_server)
          return toView(row)
        }),
      read: (access, { auth_server }, name) =>
        access.read(async (tx) => {
          const row = await findClaim(tx, auth_server, name)
          return row && toView(row)
        }),
      update: (access, { auth_server }, name, { value, ...change }) =>
        access.change(async (tx) => {
          await lockClaims(tx, auth_server)
          const text = value === undefined ? {} : { value: JSON.stringify(value) }
          const row = await updateClaim(tx, auth_server, name, { ...change, ...text })
          await checkClaims(tx, deps, auth_server)
          return row && toView(row)
        }),
      remove: (access, { auth_server }, name) => access.change((tx) => deleteClaim(tx, auth_server, name)),
    },
  })
}

function toView({ auth_server_id: _, value, created_at, updated_at, ...row }: ClaimRow) {
  const parsed: unknown = JSON.parse(value)
  return { ...row, value: parsed, ...toTimes({ created_at, updated_at }) }
}
