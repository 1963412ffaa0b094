/**
 * Security Event Tokens (RFC 8417) that carry revocations from an issuer to sidecars, fetched by polling (RFC 8936).
 * The event is the token-revoked event of the OAuth Event Types draft; its subject is a `jwt_id` subject identifier
 * (RFC 9493, Shared Signals Framework 1.0 section 3.2).
 */
import Type, { type Static } from 'typebox'

export const securityEventType = 'secevent+jwt'
export const tokenRevoked = 'https://schemas.openid.net/secevent/oauth/event-type/token-revoked'

/** Claims of the Security Event Token for one revoked access token. */
export const TokenRevokedClaims = Type.Object({
  iss: Type.String(),
  aud: Type.String(),
  iat: Type.Number(),
  jti: Type.String(),
  sub_id: Type.Object({ format: Type.Literal('jwt_id'), iss: Type.String(), jti: Type.String() }),
  events: Type.Object({
    [tokenRevoked]: Type.Object({
      /** Seconds since the epoch at which the revoked token expires: until then the revocation must be remembered. */
      token_expires_at: Type.Number(),
    }),
  }),
})
export type TokenRevokedClaims = Static<typeof TokenRevokedClaims>

/**
 * The body of a poll (RFC 8936 section 2.2). In place of `ack`, a receiver names where it stands: any number of
 * sidecars read the same stream, each at its own pace, and the issuer keeps no state for them.
 */
export const PollRequest = Type.Object(
  {
    /** The `next` of the previous answer; absent, the answer starts with the oldest revocation still in force. */
    after: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}$' })),
    maxEvents: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    /** false (the default) waits for an event, up to the issuer's long-polling time. */
    returnImmediately: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type PollRequest = Static<typeof PollRequest>

/** The answer to a poll (RFC 8936 section 2.3). */
export const PollResponse = Type.Object({
  /** Signed Security Event Tokens by their `jti`, oldest first. */
  sets: Type.Record(Type.String(), Type.String()),
  moreAvailable: Type.Boolean(),
  next: Type.String(),
})
export type PollResponse = Static<typeof PollResponse>
