import Type, { type Static } from 'typebox'
import type { Event } from '../../events/types.ts'
import { maxTokenLifetime } from '../../lifetimes.ts'
import { grantRevoked } from '../../revocations/events.ts'
import { revokeAccessToken, revokeClient, revokeGrant, revokeSubject } from '../../revocations/revoke.ts'
import type { Tx } from '../../store/database.ts'
import { findRevocation, listRevocations, type StoredRevocation } from '../../store/revocations.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { nullable, resource } from '../resource.ts'

const Time = Type.String({ format: 'date-time' })

const View = Type.Object({
  id: Type.String({ description: 'Its number in the revocation feed' }),
  kind: Type.String(),
  value: Type.String(),
  not_before: nullable(Time),
  expires_at: Time,
  revoked_at: Time,
})

const Create = Type.Object(
  {
    kind: Type.Enum(['token', 'grant', 'client', 'subject']),
    value: Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'The `jti`, `grant_id`, `client_id` or `sub` of the tokens, after the kind',
    }),
    not_before: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'Of a client or a subject: tokens issued until then are revoked. Default: now. Never later',
      }),
    ),
  },
  { additionalProperties: false },
)

export function revocations({ now }: AdminDeps) {
  return resource({
    tag: 'revocations',
    name: 'revocation',
    description:
      'What has been revoked, until the last token that it may affect has expired, in the order of the revocation feed. ' +
      'A revocation cannot be taken back. Keys are revoked by deleting them.',
    path: '/auth-servers/:auth_server/revocations',
    item: 'revocation',
    key: 'id',
    params: Type.Object({ auth_server: Type.String() }),
    create: Create,
    view: View,
    operations: {
      list: async (access, { auth_server }, { after = '0', limit }) => {
        if (!/^\d{1,15}$/.test(after)) throw new Problem('invalid_request', 'after is no id of a revocation')
        return access.read(async (tx) =>
          (await listRevocations(tx, auth_server, { after: Number(after), limit, now: now() })).map(toView),
        )
      },
      create: (access, { auth_server }, body) =>
        access.change(async (tx, tell) => {
          tell(await revoke(tx, auth_server, body, now()))
          const stored = await findRevocation(tx, auth_server, body.kind, body.value)
          if (!stored) throw new Error('a revocation is not there once it is stored')
          return toView(stored)
        }),
    },
  })
}

/** @returns what is to be recorded */
async function revoke(tx: Tx, authServer: string, body: Static<typeof Create>, now: number): Promise<Event> {
  const { kind, value } = body
  const notBefore = cutoffOf(body, now)
  // How long it lives is not known, but no longer than any.
  const expiresAt = Math.floor(now / 1_000) + maxTokenLifetime
  switch (kind) {
    case 'token':
      await revokeAccessToken(tx, authServer, value, expiresAt, now)
      return { type: 'token.revoked', jti: value }
    case 'grant': {
      const grant = await revokeGrant(tx, authServer, value, now)
      return grant ? grantRevoked(grant) : { type: 'token.revoked', grant_id: value }
    }
    case 'client':
      await revokeClient(tx, authServer, value, now, notBefore)
      return { type: 'token.revoked', client_id: value }
    case 'subject':
      await revokeSubject(tx, authServer, value, now, notBefore)
      return { type: 'token.revoked', subject: value }
  }
}

/** Seconds since the epoch. */
function cutoffOf({ kind, not_before }: Static<typeof Create>, now: number): number | undefined {
  if (not_before === undefined) return undefined
  if (kind !== 'client' && kind !== 'subject') throw new Problem('invalid_request', `a ${kind} has no not_before`)
  const time = Date.parse(not_before)
  if (!(time <= now)) throw new Problem('invalid_request', 'not_before must not lie in the future')
  return Math.floor(time / 1_000)
}

function toView({ sequence, kind, value, notBefore, expiresAt, revokedAt }: StoredRevocation) {
  return {
    id: String(sequence),
    kind,
    value,
    not_before: notBefore === undefined ? null : toTime(notBefore),
    expires_at: toTime(expiresAt),
    revoked_at: toTime(revokedAt),
  }
}

function toTime(seconds: number): string {
  return new Date(seconds * 1_000).toISOString()
}
