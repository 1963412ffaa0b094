/**
 * What is recorded: every type of event with its own members. To add one: a line here and in docs/events.md, and
 * `events.record(authServer, { type: … })` where it happens. Members are text, numbers and truth values, named as they
 * are stored. Never a token, a secret or a part of one: a token is named by its `jti`.
 */
import Type, { type Static, type TProperties } from 'typebox'

const Text = Type.String()
const Maybe = Type.Optional(Type.Union([Type.String(), Type.Undefined()]))

const event = <Members extends TProperties>(members: Members) =>
  Type.Object(
    {
      /** The client that it is about, or that asked. */
      client_id: Maybe,
      /** The `sub` that it is about. */
      subject: Maybe,
      /** The trace of the request (W3C Trace Context); the recorder adds it. */
      trace_id: Maybe,
      ...members,
    },
    { additionalProperties: false },
  )

/** `error` is what the client heard, `reason` is for the operator only. */
const refusal = { error: Text, reason: Maybe }
const issuance = { grant_type: Text, jti: Text, grant_id: Maybe, scope: Maybe, audience: Maybe }
const key = { kid: Text, algorithm: Text }

export const eventTypes = {
  'token.issued': event(issuance),
  'token.refreshed': event(issuance),
  'token.exchanged': event({ ...issuance, actor: Maybe }),
  'token.refused': event({ grant_type: Maybe, ...refusal }),
  'token.revoked': event({ jti: Maybe, grant_id: Maybe }),
  /** Stored for a sample only. */
  'token.introspected': event({ active: Type.Boolean(), jti: Maybe }),
  'refresh_token.reuse_detected': event({ grant_id: Text }),
  /** Counted, never stored. */
  'client.authenticated': event({ method: Text }),
  'client.authentication_failed': event({ method: Maybe, ...refusal }),
  'client_secret.expiring': event({ secret_id: Text, expires_at: Text }),
  'claim.failed': event({ claim: Text, reason: Text, omitted: Type.Boolean() }),
  'key.activated': event(key),
  'key.retired': event(key),
  'key.removed': event(key),
  'key.revoked': event(key),
  'registration.refused': event(refusal),
  'events.dropped': event({ count: Type.Integer() }),
} as const

/** The resources whose changes are recorded, and kept in the audit log: each has the events `<resource>.<action>`. */
export const changedResources = [
  'organization',
  'auth_server',
  'signing_key',
  'scope',
  'client',
  'client_secret',
  'trusted_issuer',
  'attribute_source',
  'claim',
  'revocation',
  'initial_access_token',
  'grant',
] as const
export const changeActions = ['created', 'updated', 'deleted', 'rotated'] as const

/** A change of a resource: `target` is its path on the admin API, `changed` the names of the members that differ. */
export const ResourceChange = event({ target: Text, actor: Maybe, changed: Maybe })

export type ChangedResource = (typeof changedResources)[number]
export type ChangeAction = (typeof changeActions)[number]
export type ChangeType = `${ChangedResource}.${ChangeAction}`

type Typed<T extends keyof typeof eventTypes> = { type: T } & Static<(typeof eventTypes)[T]>

export type Event =
  | { [T in keyof typeof eventTypes]: Typed<T> }[keyof typeof eventTypes]
  | ({ type: ChangeType } & Static<typeof ResourceChange>)
export type EventType = Event['type']
