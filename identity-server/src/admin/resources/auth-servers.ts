import { randomBytes } from 'node:crypto'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { defaultSigningAlgorithm, signingAlgorithms } from '../../keys/algorithms.ts'
import { keyRotationInterval } from '../../keys/lifecycle.ts'
import { advanceKeys } from '../../keys/rotation.ts'
import { createSigningKey } from '../../keys/signing-keys.ts'
import { maxTokenLifetime } from '../../lifetimes.ts'
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
import { detailTypesProblem } from '../../tenancy/detail-types.ts'
import { effectiveLimitsOf, lockLimits } from '../../tenancy/inheritance.ts'
import { Limits } from '../../tenancy/limits.ts'
import { takesRegistrations } from '../../tenancy/registration-policy.ts'
import { AuthServerSettings } from '../../tenancy/settings.ts'
import { systemAuthServer } from '../../tenancy/system.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { nullable, oneOf, resource, someOf, times, toTimes } from '../resource.ts'
import { changeable, merge, separate } from '../settings.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })
const Description = Type.String({ maxLength: 2_000 })
const Audience = Type.String({ minLength: 1, maxLength: 1_000, description: 'The `aud` of its access tokens' })
const Lifetime = Type.Integer({ minimum: 1, maximum: maxTokenLifetime, description: 'Seconds' })
const SigningAlgorithm = oneOf(signingAlgorithms)
const KeyRotationInterval = nullable(
  Type.Integer({
    ...keyRotationInterval,
    description: 'Seconds that a signing key signs; null: until told to rotate. Default: 90 days',
  }),
)

const View = Type.Object({
  id: Type.String(),
  organization_id: Type.String(),
  issuer: Type.String(),
  name: Type.String(),
  description: Type.String(),
  audience: Type.String(),
  access_token_lifetime: Type.Integer(),
  signing_algorithm: Type.String(),
  key_rotation_interval: nullable(Type.Integer()),
  limits: Limits,
  effective_limits: Limits,
  ...Type.Partial(AuthServerSettings).properties,
  ...times,
})

export function authServers({ masterKeys, publicOrigin, now }: AdminDeps) {
  const toView = ({ settings, limits, inherited_limits, created_at, updated_at, ...row }: AuthServerRow) => {
    return {
      ...row,
      issuer: issuerOf(publicOrigin, row.id),
      limits: Value.Parse(Limits, limits),
      effective_limits: effectiveLimitsOf({ limits, inherited_limits }),
      ...Value.Parse(AuthServerSettings, settings),
      ...toTimes({ created_at, updated_at }),
    }
  }

  return resource({
    tag: 'auth servers',
    name: 'auth_server',
    description: 'Issuers, each with its own keys, scopes and clients.',
    path: '/auth-servers',
    item: 'auth_server',
    key: 'id',
    params: Type.Object({}),
    organizationOf: ({ organization_id }) => String(organization_id),
    create: Type.Object(
      {
        id: Type.Optional(Type.String({ pattern: authServerIdPattern, description: 'Made up where it is left out' })),
        organization_id: Type.String(),
        name: Name,
        description: Type.Optional(Description),
        audience: Audience,
        access_token_lifetime: Type.Optional(Lifetime),
        signing_algorithm: Type.Optional(SigningAlgorithm),
        key_rotation_interval: Type.Optional(KeyRotationInterval),
        limits: Type.Optional(Limits),
        ...AuthServerSettings.properties,
      },
      { additionalProperties: false },
    ),
    update: someOf({
      name: Name,
      description: Description,
      audience: Audience,
      access_token_lifetime: Lifetime,
      signing_algorithm: SigningAlgorithm,
      key_rotation_interval: KeyRotationInterval,
      limits: Limits,
      ...changeable(AuthServerSettings),
    }),
    view: View,
    created: View,
    operations: {
      list: (access, _params, page) => access.read(async (tx) => (await listAuthServers(tx, page)).map(toView)),
      create: (access, _params, body) => {
        const id = body.id ?? randomBytes(8).toString('hex')
        if (reservedAuthServerIds.has(id)) throw new Problem('conflict', 'the id is reserved')
        requireDetailTypes(body)
        const algorithm = body.signing_algorithm ?? defaultSigningAlgorithm
        return access.change(async (tx) => {
          await lockLimits(tx)
          const owner = await findOrganization(tx, body.organization_id)
          if (!owner) throw new Problem('unknown_reference', 'there is no such organization')
          const row = await insertAuthServer(tx, {
            id,
            organization_id: body.organization_id,
            name: body.name,
            description: body.description ?? '',
            audience: body.audience,
            access_token_lifetime: body.access_token_lifetime ?? 300,
            signing_algorithm: algorithm,
            key_rotation_interval: body.key_rotation_interval,
            limits: JSON.stringify(body.limits ?? {}),
            inherited_limits: JSON.stringify(effectiveLimitsOf(owner)),
            settings: JSON.stringify(separate(AuthServerSettings, body).settings),
          })
          requireAllowedAlgorithm(row)
          await createSigningKey(tx, id, masterKeys, algorithm, { state: 'active', activatesAt: now() })
          return toView(row)
        }, id)
      },
      read: (access, _params, id) =>
        access.read(async (tx) => {
          const row = await findAuthServer(tx, id)
          return row && toView(row)
        }),
      update: (access, _params, id, body) => {
        if (id === systemAuthServer && body.audience !== undefined) {
          // The admin API would no longer accept its tokens.
          throw new Problem('protected', 'the audience of the system auth server follows the public origin')
        }
        return access.change(async (tx) => {
          const present = await findAuthServer(tx, id)
          if (!present) return undefined
          const { columns, settings } = separate(AuthServerSettings, body)
          const { limits, ...change } = columns
          const merged = merge(AuthServerSettings, present.settings, settings)
          requireDetailTypes(merged.settings)
          if (id === systemAuthServer && takesRegistrations(merged.settings)) {
            // Whoever registers there could come to administer everything.
            throw new Problem('protected', 'nobody registers at the system auth server')
          }
          const row = await updateAuthServer(tx, id, {
            ...change,
            ...(limits && { limits: JSON.stringify(limits) }),
            settings: merged.text,
          })
          if (row && (body.signing_algorithm !== undefined || limits)) requireAllowedAlgorithm(row)
          // The key of another algorithm is published now, and signs once verifiers know it.
          await advanceKeys(tx, id, masterKeys, now())
          return row && toView(row)
        })
      },
      remove: (access, _params, id) => {
        if (id === systemAuthServer) throw new Problem('protected')
        return access.change((tx) => deleteAuthServer(tx, id))
      },
    },
  })
}

/** @throws Problem `invalid_request` for what the schema of the settings does not see */
function requireDetailTypes(settings: Pick<AuthServerSettings, 'authorization_details_types'>): void {
  const problem = detailTypesProblem(settings)
  if (problem !== undefined) throw new Problem('invalid_request', problem)
}

function requireAllowedAlgorithm(row: AuthServerRow): void {
  const { signing_algorithms: allowed } = effectiveLimitsOf(row)
  if (allowed && !allowed.includes(row.signing_algorithm)) {
    throw new Problem('invalid_request', 'the limits do not allow the signing algorithm')
  }
}
