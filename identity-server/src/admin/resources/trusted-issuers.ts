import { randomUUID } from 'node:crypto'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { lock } from '../../store/lock.ts'
import {
  deleteTrustedIssuer,
  findTrustedIssuer,
  insertTrustedIssuer,
  listTrustedIssuers,
  type TrustedIssuerRow,
  updateTrustedIssuer,
} from '../../store/trusted-issuers.ts'
import { TrustedIssuerSettings } from '../../trust/settings.ts'
import { maxTrustedIssuers } from '../../trust/trusted-issuers.ts'
import { problemOfTrust } from '../../trust/validation.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { resource, someOf, times, toTimes } from '../resource.ts'
import { changeable, merge, separate } from '../settings.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })
const Issuer = Type.String({ minLength: 1, maxLength: 1_000, description: 'Its issuer identifier: `iss` of its JWTs' })

const View = Type.Object({
  id: Type.String(),
  issuer: Type.String(),
  name: Type.String(),
  enabled: Type.Boolean(),
  ...TrustedIssuerSettings.properties,
  ...times,
})

export function trustedIssuers({ checkUrl }: AdminDeps) {
  /** The settings with a change, as they are stored. */
  const soundText = (stored: unknown, change: Readonly<Record<string, unknown>>): string => {
    const { text, settings } = merge(TrustedIssuerSettings, stored, change)
    const problem = problemOfTrust(settings, checkUrl)
    if (problem !== undefined) throw new Problem('invalid_request', problem)
    return text
  }

  return resource({
    tag: 'trusted issuers',
    name: 'trusted_issuer',
    description: 'Issuers of others: their assertions (RFC 7523) and tokens (RFC 8693) are accepted.',
    path: '/auth-servers/:auth_server/trusted-issuers',
    item: 'trusted_issuer',
    key: 'id',
    params: Type.Object({ auth_server: Type.String() }),
    create: Type.Object(
      { issuer: Issuer, name: Name, enabled: Type.Optional(Type.Boolean()), ...TrustedIssuerSettings.properties },
      { additionalProperties: false },
    ),
    update: someOf({ name: Name, enabled: Type.Boolean(), ...changeable(TrustedIssuerSettings) }),
    view: View,
    created: View,
    operations: {
      list: (access, { auth_server }, page) =>
        access.read(async (tx) => (await listTrustedIssuers(tx, auth_server, page)).map(toView)),
      create: (access, { auth_server }, body) =>
        access.change(async (tx) => {
          await lock(tx, `trusted issuers of ${auth_server}`)
          const all = await listTrustedIssuers(tx, auth_server, { after: undefined, limit: maxTrustedIssuers })
          if (all.length >= maxTrustedIssuers) {
            throw new Problem('limit_reached', `an auth server has at most ${maxTrustedIssuers} trusted issuers`)
          }
          const row = await insertTrustedIssuer(tx, auth_server, {
            id: randomUUID(),
            issuer: body.issuer,
            name: body.name,
            enabled: body.enabled ?? true,
            settings: soundText({}, separate(TrustedIssuerSettings, body).settings),
          })
          return toView(row)
        }),
      read: (access, { auth_server }, id) =>
        access.read(async (tx) => {
          const row = await findTrustedIssuer(tx, auth_server, id)
          return row && toView(row)
        }),
      update: (access, { auth_server }, id, body) =>
        access.change(async (tx) => {
          const present = await findTrustedIssuer(tx, auth_server, id)
          if (!present) return undefined
          const { columns, settings } = separate(TrustedIssuerSettings, body)
          const row = await updateTrustedIssuer(tx, auth_server, id, {
            ...columns,
            settings: soundText(present.settings, settings),
          })
          return row && toView(row)
        }),
      remove: (access, { auth_server }, id) => access.change((tx) => deleteTrustedIssuer(tx, auth_server, id)),
    },
  })
}

function toView({ id, issuer, name, enabled, settings, ...row }: TrustedIssuerRow) {
  return { id, issuer, name, enabled, ...Value.Parse(TrustedIssuerSettings, settings), ...toTimes(row) }
}
