/**
 * The decision contract between gateways and the sidecar. A gateway plugin sends the request as it received it; the
 * sidecar answers with what to do. `POST /v1/decisions` carries these documents as JSON; the other transports
 * translate them to headers and status codes.
 */
import Type, { type Static } from 'typebox'

/** A request that waits for a decision. */
export const DecisionRequest = Type.Object(
  {
    method: Type.String({ minLength: 1, maxLength: 32 }),
    /** The request target as the client sent it: path and query, not decoded. */
    uri: Type.String({ minLength: 1, maxLength: 16_384 }),
    /** Name, value, name, value … as received: a map would hide repeated headers and their spelling. */
    headers: Type.Array(Type.String({ maxLength: 65_536 }), { maxItems: 400 }),
    /** The body, where a policy takes tokens from forms and the gateway has read it. */
    body: Type.Optional(Type.String({ maxLength: 65_536 })),
    /** How the client reached the gateway, for DPoP: `https`, and the host with its port where it is not the usual one. */
    scheme: Type.Optional(Type.String({ maxLength: 65_536 })),
    authority: Type.Optional(Type.String({ maxLength: 65_536 })),
    /** The certificate that the client has proven to hold the key of, as PEM, which may be URL-encoded. */
    client_certificate: Type.Optional(Type.String({ maxLength: 65_536 })),
  },
  { additionalProperties: false },
)
export type DecisionRequest = Static<typeof DecisionRequest>

/** The body of `POST /v1/decisions`. */
export const DecisionQuery = Type.Object(
  { policy: Type.String({ minLength: 1, maxLength: 128 }), request: DecisionRequest },
  { additionalProperties: false },
)
export type DecisionQuery = Static<typeof DecisionQuery>

const Headers = Type.Record(Type.String(), Type.String())

/** Let the request through, after its headers were changed. */
export const Allow = Type.Object({
  decision: Type.Literal('allow'),
  /** First remove: each of these names, in every spelling (see header-name.ts). */
  remove_headers: Type.Array(Type.String()),
  /** Then set. Names are lower case. */
  set_headers: Headers,
  /** Of the caller, by their names: for the gateway's own further decisions and its log. Absent: nothing is told. */
  claims: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  /**
   * Seconds since the epoch after which nobody may act on this decision any more. About a token that is bound to a key it
   * is for this request alone: the next one needs a proof of its own.
   */
  expires_at: Type.Number(),
})

const Refusal = {
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  /** Headers of the answer to the client: a challenge, Retry-After. */
  headers: Headers,
  body: Type.Object({ error: Type.String(), error_description: Type.String() }),
}

/** Refuse the request: the token is missing, wrong or insufficient. */
export const Deny = Type.Object({ decision: Type.Literal('deny'), ...Refusal })

/** Refuse the request: a dependency could not be asked, so nothing is known about the token. */
export const Unavailable = Type.Object({ decision: Type.Literal('unavailable'), ...Refusal })

export const Decision = Type.Union([Allow, Deny, Unavailable])
export type Allow = Static<typeof Allow>
export type Deny = Static<typeof Deny>
export type Unavailable = Static<typeof Unavailable>
export type Decision = Static<typeof Decision>
