/**
 * The revocation feed: Security Event Tokens (RFC 8417) that carry revocations (revocation-event.ts) from an issuer to
 * sidecars, fetched by polling (RFC 8936).
 */
import Type, { type Static } from 'typebox'

/** The `typ` of Security Event Tokens (RFC 8417 section 2.3). */
export const securityEventType = 'secevent+jwt'

/** The `aud` of an issuer's events: the feed itself, so that one signed event serves all of its readers. */
export function feedAudience(issuer: string): string {
  return `${issuer}/events/poll`
}

/** The body of a poll (RFC 8936 section 2.2), and `after`. */
export const PollRequest = Type.Object(
  {
    /**
     * The `next` of the previous answer: any number of readers read the same stream, each at its own pace, and the issuer
     * keeps no state for them. Absent, or not of this stream: the answer begins with the oldest revocation in force.
     */
    after: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]{1,100}$' })),
    maxEvents: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
    /** false (the default) waits for an event, up to the issuer's long-polling time. */
    returnImmediately: Type.Optional(Type.Boolean()),
    /** `jti` of events that were received. Without `after`, the answer goes on after the last of them. */
    ack: Type.Optional(Type.Array(Type.String(), { maxItems: 1000 })),
    /** Errors by the `jti` of the event; to the issuer these are events that were received. */
    setErrs: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { additionalProperties: false },
)
export type PollRequest = Static<typeof PollRequest>

/** The answer to a poll (RFC 8936 section 2.3), and `next`. */
export const PollResponse = Type.Object({
  /** Signed Security Event Tokens by their `jti`, oldest first. */
  sets: Type.Record(Type.String(), Type.String()),
  moreAvailable: Type.Boolean(),
  /** The position of the reader, after these events. */
  next: Type.String(),
})
export type PollResponse = Static<typeof PollResponse>
