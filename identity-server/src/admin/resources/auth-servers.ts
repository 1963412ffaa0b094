import { randomBytes } from 'node:crypto'
import Type from 'typebox'
import { createSigningKey } from '../../keys/signing-keys.ts'
import {
  type AuthServerRow,
  deleteAuthServer,
  findAuthServer,
  insertAuthServer,
  listAuthServers,
  updateAuthServer,
} from '../../store/auth-servers.ts'
import { findOrganization } from '../../store/organizations.ts'
import { authServerIdPattern, issuerOf, reservedAuthServerIds } from '../../tenancy/auth-servers.ts'
import { systemAuthServer } from '../../tenancy/system.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { resource, someOf, times, toTimes } from '../resource.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })
const Description = Type.String({ maxLength: 2_000 })
const Audience = Type.String({ minLength: 1, maxLength: 1_000, description: 'The `aud` of its access tokens' })
const Lifetime = Type.Integer({ minimum: 1, maximum: 86_400, description: 'Seconds' })
const SigningAlgorithm = Type.Union([Type.Literal('ES256')])

const View = Type.Object({
  id: Type.String(),
  organization_id: Type.String(),
  issuer: Type.String(),
  name: Type.String(),
  description: Type.String(),
  audience: Type.String(),
  access_token_lifetime: Type.Integer(),
  signing_algorithm: Type.String(),
  ...times,
})

export function authServers({ db, masterKeys, publicOrigin }: AdminDeps) {
  const toView = ({ created_at, updated_at, ...row }: AuthServerRow) => ({
    ...row,
    issuer: issuerOf(publicOrigin, row.id),
    ...toTimes({ created_at, updated_at }),
  })

  return resource({
    tag: 'auth servers',
    description: 'Issuers, each with its own keys, scopes and clients.',
    path: '/auth-servers',
    item: 'auth_server',
    key: 'id',
    params: Type.Object({}),
    create: Type.Object(
      {
        id: Type.Optional(Type.String({ pattern: authServerIdPattern, description: 'Made up where it is left out' })),
        organization_id: Type.String(),
        name: Name,
        description: Type.Optional(Description),
        audience: Audience,
        access_token_lifetime: Type.Optional(Lifetime),
        signing_algorithm: Type.Optional(SigningAlgorithm),
      },
      { additionalProperties: false },
    ),
    update: someOf({ name: Name, description: Description, audience: Audience, access_token_lifetime: Lifetime }),
    view: View,
    created: View,
    operations: {
      list: (tenant, _params, page) => db.read(tenant, async (tx) => (await listAuthServers(tx, page)).map(toView)),
      create: ({ organization }, _params, body) => {
        const id = body.id ?? randomBytes(8).toString('hex')
        if (reservedAuthServerIds.has(id)) throw new Problem('conflict', 'the id is reserved')
        const algorithm = body.signing_algorithm ?? 'ES256'
        return db.write({ organization, authServer: id }, async (tx) => {
          if (!(await findOrganization(tx, body.organization_id))) {
            throw new Problem('unknown_reference', 'there is no such organization')
          }
          const row = await insertAuthServer(tx, {
            id,
            organization_id: body.organization_id,
            name: body.name,
            description: body.description ?? '',
            audience: body.audience,
            access_token_lifetime: body.access_token_lifetime ?? 300,
            signing_algorithm: algorithm,
          })
          await createSigningKey(tx, id, masterKeys, algorithm)
          return toView(row)
        })
      },
      read: (tenant, _params, id) =>
        db.read(tenant, async (tx) => {
          const row = await findAuthServer(tx, id)
          return row && toView(row)
        }),
      update: (tenant, _params, id, body) => {
        if (id === systemAuthServer && body.audience !== undefined) {
          // The admin API would no longer accept its tokens.
          throw new Problem('protected', 'the audience of the system auth server follows the public origin')
        }
        return db.write(tenant, async (tx) => {
          const row = await updateAuthServer(tx, id, body)
          return row && toView(row)
        })
      },
      remove: (tenant, _params, id) => {
        if (id === systemAuthServer) throw new Problem('protected')
        return db.write(tenant, (tx) => deleteAuthServer(tx, id))
      },
    },
  })
}
