/**
 * The contract about tokens for upstreams, for plugins that need no decision: `POST /v1/upstream-tokens/{upstream}` gives a
 * token, `DELETE` tells that the upstream refused one with 401, so that another is fetched.
 */
import Type, { type Static } from 'typebox'

const token = Type.String({ minLength: 1, maxLength: 16_384 })

/** The body of `POST`. */
export const UpstreamTokenQuery = Type.Object(
  {
    /** On whose behalf: for upstreams whose tokens stand for callers. */
    caller_token: Type.Optional(token),
    /** What a DPoP proof is for: the request as the upstream gets it. */
    request: Type.Optional(
      Type.Object(
        {
          method: Type.String({ pattern: '^[A-Za-z]{1,32}$' }),
          /** Absolute. */
          uri: Type.String({ minLength: 1, maxLength: 16_384 }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)
export type UpstreamTokenQuery = Static<typeof UpstreamTokenQuery>

/** The members of RFC 6749 section 5.1, and a proof for the request where the token is bound to a key (RFC 9449 section 7.1). */
export const UpstreamTokenAnswer = Type.Object({
  access_token: token,
  token_type: Type.Enum(['Bearer', 'DPoP']),
  /** Seconds for which it may still be used. */
  expires_in: Type.Integer({ minimum: 0 }),
  dpop: Type.Optional(Type.String()),
})
export type UpstreamTokenAnswer = Static<typeof UpstreamTokenAnswer>

/** The body of `DELETE`: the token that was refused, or its SHA-256 as base64url. */
export const UpstreamTokenPurge = Type.Union([
  Type.Object({ token }, { additionalProperties: false }),
  Type.Object({ token_sha256: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) }, { additionalProperties: false }),
])
export type UpstreamTokenPurge = Static<typeof UpstreamTokenPurge>

export const PurgeOutcome = Type.Enum([
  /** Another token is being fetched. */
  'purged',
  /** It is another token by now. */
  'not_current',
  /** It came in place of another one that was refused a moment ago, and stays. */
  'too_soon',
])
export type PurgeOutcome = Static<typeof PurgeOutcome>

/** The answer to `DELETE`. */
export const UpstreamTokenPurged = Type.Object({ outcome: PurgeOutcome })
export type UpstreamTokenPurged = Static<typeof UpstreamTokenPurged>
