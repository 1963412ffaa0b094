import { randomUUID } from 'node:crypto'
import Type from 'typebox'
import { clientAuthMethodNames, defaultClientAuthMethods } from '../../client-auth/list.ts'
import { clientIdPattern } from '../../clients/clients.ts'
import { clientMembers } from '../../clients/members.ts'
import { ClientSettings } from '../../clients/settings.ts'
import { problemOf } from '../../clients/validation.ts'
import { grantTypes } from '../../grants/list.ts'
import { maxTokenLifetime } from '../../lifetimes.ts'
import { endClient } from '../../revocations/revoke.ts'
import {
  type ClientRow,
  deleteClient,
  findClient,
  insertClient,
  listClients,
  updateClient,
} from '../../store/clients.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { nullable, oneOf, resource, someOf, times, toTimes } from '../resource.ts'
import { changeable, merge, separate } from '../settings.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })
const GrantTypes = Type.Array(oneOf(grantTypes), { uniqueItems: true })
const AuthMethods = Type.Array(oneOf(clientAuthMethodNames), { minItems: 1, uniqueItems: true })
const Scopes = Type.Array(Type.String(), { uniqueItems: true, maxItems: 1_000, description: 'Scopes that it may have' })
const Audience = Type.String({ minLength: 1, maxLength: 1_000, description: "In place of the auth server's" })
const Lifetime = Type.Integer({
  minimum: 1,
  maximum: maxTokenLifetime,
  description: "Seconds, in place of the auth server's",
})
const MayIntrospect = Type.Boolean({ description: "May introspect other clients' tokens and read the revocation feed" })

const View = Type.Object({
  id: Type.String(),
  name: Type.String(),
  enabled: Type.Boolean(),
  grant_types: Type.Array(Type.String()),
  token_endpoint_auth_methods: Type.Array(Type.String()),
  scopes: Type.Array(Type.String()),
  audience: nullable(Type.String()),
  access_token_lifetime: nullable(Type.Integer()),
  may_introspect: Type.Boolean(),
  ...Type.Partial(ClientSettings).properties,
  ...times,
})

export function clients({ checkUrl, now }: AdminDeps) {
  /** The settings with a change, as they are stored. */
  const soundText = (
    stored: unknown,
    change: Readonly<Record<string, unknown>>,
    authMethods: readonly string[],
  ): string => {
    const { text, settings } = merge(ClientSettings, stored, change)
    const problem = problemOf(settings, authMethods, checkUrl)
    if (problem !== undefined) throw new Problem('invalid_request', problem)
    return text
  }

  return resource({
    tag: 'clients',
    name: 'client',
    description: 'Clients of an auth server (RFC 6749 section 2).',
    path: '/auth-servers/:auth_server/clients',
    item: 'client',
    key: 'id',
    params: Type.Object({ auth_server: Type.String() }),
    create: Type.Object(
      {
        id: Type.Optional(Type.String({ pattern: clientIdPattern, description: 'Made up where it is left out' })),
        name: Name,
        enabled: Type.Optional(Type.Boolean()),
        grant_types: Type.Optional(GrantTypes),
        token_endpoint_auth_methods: Type.Optional(AuthMethods),
        scopes: Type.Optional(Scopes),
        audience: Type.Optional(nullable(Audience)),
        access_token_lifetime: Type.Optional(nullable(Lifetime)),
        may_introspect: Type.Optional(MayIntrospect),
        ...ClientSettings.properties,
      },
      { additionalProperties: false },
    ),
    update: someOf({
      name: Name,
      enabled: Type.Boolean(),
      grant_types: GrantTypes,
      token_endpoint_auth_methods: AuthMethods,
      scopes: Scopes,
      audience: nullable(Audience),
      access_token_lifetime: nullable(Lifetime),
      may_introspect: MayIntrospect,
      ...changeable(ClientSettings),
    }),
    view: View,
    created: View,
    operations: {
      list: (access, { auth_server }, page) =>
        access.read(async (tx) => (await listClients(tx, auth_server, page)).map(toView)),
      create: (access, { auth_server }, body) =>
        access.change(async (tx) => {
          const authMethods = body.token_endpoint_auth_methods ?? [...defaultClientAuthMethods]
          const row = {
            id: body.id ?? randomUUID(),
            name: body.name,
            enabled: body.enabled ?? true,
            grant_types: body.grant_types ?? ['client_credentials'],
            token_endpoint_auth_methods: authMethods,
            audience: body.audience ?? null,
            access_token_lifetime: body.access_token_lifetime ?? null,
            may_introspect: body.may_introspect ?? false,
            settings: soundText({}, separate(ClientSettings, body).settings, authMethods),
          }
          return toView(await insertClient(tx, auth_server, row, body.scopes ?? []))
        }),
      read: (access, { auth_server }, id) =>
        access.read(async (tx) => {
          const row = await findClient(tx, auth_server, id)
          return row && toView(row)
        }),
      update: (access, { auth_server }, id, { scopes, ...body }) =>
        access.change(async (tx) => {
          const present = await findClient(tx, auth_server, id)
          if (!present) return undefined
          const { columns, settings } = separate(ClientSettings, body)
          const authMethods = body.token_endpoint_auth_methods ?? present.token_endpoint_auth_methods
          const change = { ...columns, settings: soundText(present.settings, settings, authMethods) }
          const row = await updateClient(tx, auth_server, id, change, scopes)
          if (row && columns.enabled === false) await endClient(tx, auth_server, id, now())
          return row && toView(row)
        }),
      remove: (access, { auth_server }, id) =>
        access.change(async (tx) => {
          if (!(await findClient(tx, auth_server, id))) return false
          await endClient(tx, auth_server, id, now())
          return deleteClient(tx, auth_server, id)
        }),
    },
  })
}

function toView(row: ClientRow) {
  return { ...clientMembers(row), ...toTimes(row) }
}
