import Type from 'typebox'
import { keyEvents } from '../../keys/events.ts'
import { maxKeys } from '../../keys/lifecycle.ts'
import { keyMembers } from '../../keys/members.ts'
import { keyChanges, lockKeys, revokeKey, rotateKeys } from '../../keys/rotation.ts'
import { revokeSignedBy } from '../../revocations/revoke.ts'
import { findSigningKey, listSigningKeys, pageSigningKeys, type SigningKeyRow } from '../../store/signing-keys.ts'
import { action } from '../action.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { nullable, resource, times, toTimes } from '../resource.ts'

const Time = nullable(Type.String({ format: 'date-time' }))

const View = Type.Object({
  kid: Type.String(),
  algorithm: Type.String(),
  state: Type.Enum(['next', 'active', 'retired']),
  jwk: Type.Record(Type.String(), Type.String(), { description: 'The public key (RFC 7517 section 4)' }),
  activates_at: Type.String({
    format: 'date-time',
    description: 'From when it signs; of the next key: at the earliest',
  }),
  retired_at: Time,
  removes_at: Time,
  ...times,
})

export function keys({ masterKeys, now }: AdminDeps) {
  return resource({
    tag: 'signing keys',
    name: 'signing_key',
    description:
      'Signing keys of an auth server. They rotate by themselves. To delete one is to revoke it: what it has signed is ' +
      'no longer valid, and where it was the active one, another takes over at once.',
    path: '/auth-servers/:auth_server/keys',
    item: 'kid',
    key: 'kid',
    params: Type.Object({ auth_server: Type.String() }),
    view: View,
    operations: {
      list: (access, { auth_server }, page) =>
        access.read(async (tx) => (await pageSigningKeys(tx, auth_server, page)).map(toView)),
      read: (access, { auth_server }, kid) =>
        access.read(async (tx) => {
          const row = await findSigningKey(tx, auth_server, kid)
          return row && toView(row)
        }),
      remove: (access, { auth_server }, kid) =>
        access.change(async (tx, tell) => {
          await lockKeys(tx, auth_server)
          const before = await listSigningKeys(tx, auth_server)
          const revoked = await revokeKey(tx, auth_server, masterKeys, now(), kid)
          // Verifiers that keep the JWK Set for a while hear of it at once.
          if (revoked) await revokeSignedBy(tx, auth_server, kid, now())
          tell(...keyEvents(keyChanges(before, await listSigningKeys(tx, auth_server)), kid))
          return revoked
        }),
    },
    actions: [
      action({
        name: 'rotate',
        recordedAs: 'rotated',
        summary: 'Rotate the signing key; answers with the one that takes over',
        body: Type.Object(
          {
            immediately: Type.Optional(
              Type.Boolean({ description: 'Signs at once, though verifiers may not have fetched it yet' }),
            ),
          },
          { additionalProperties: false },
        ),
        answer: View,
        run: (access, { auth_server }, { immediately = false }) =>
          access.change(async (tx, tell) => {
            await lockKeys(tx, auth_server)
            const before = await listSigningKeys(tx, auth_server)
            if (before.length >= maxKeys) {
              throw new Problem('limit_reached', `an auth server has at most ${maxKeys} keys`)
            }
            const row = await rotateKeys(tx, auth_server, masterKeys, now(), immediately)
            tell(...keyEvents(keyChanges(before, await listSigningKeys(tx, auth_server))))
            return row && toView(row)
          }),
      }),
    ],
  })
}

function toView(row: SigningKeyRow) {
  return { ...keyMembers(row), ...toTimes(row) }
}
