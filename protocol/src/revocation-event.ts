/**
 * Revocations as the events of Security Event Tokens (RFC 8417 section 2.2): a schema for each kind. Event types are those
 * of the OAuth Event Types 1.0 draft where it has one, and URNs of our own elsewhere. Subject identifiers are those of
 * RFC 9493 (`iss_sub`, `opaque`), and `jwt_id` of the Shared Signals Framework 1.0 (section 3.2).
 */
import Type from 'typebox'
import { Value } from 'typebox/value'
import { type Revocation, type RevocationKind, revocationKinds } from './revocation.ts'

export const revocationEventTypes = {
  token: 'https://schemas.openid.net/secevent/oauth/event-type/token-revoked',
  grant: 'urn:postern:event:grant-revoked',
  client: 'urn:postern:event:client-tokens-revoked',
  subject: 'https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked',
  key: 'urn:postern:event:key-revoked',
} as const satisfies Record<RevocationKind, string>

const JwtId = Type.Object({ format: Type.Literal('jwt_id'), iss: Type.String(), jti: Type.String() })
const IssSub = Type.Object({ format: Type.Literal('iss_sub'), iss: Type.String(), sub: Type.String() })
/** `id` is the `grant_id`, `client_id` or `kid`, after the type of the event. */
const Opaque = Type.Object({ format: Type.Literal('opaque'), id: Type.String() })

/** When the last token that is concerned expires, in seconds since the epoch: until then it must be remembered. */
const Whole = Type.Object({ token_expires_at: Type.Number() })
/** As `Whole`; and tokens with an `iat` up to `not_before`, itself included, are concerned. */
const UpTo = Type.Object({ token_expires_at: Type.Number(), not_before: Type.Number() })

export const TokenRevoked = Type.Object({
  sub_id: JwtId,
  events: Type.Object({ [revocationEventTypes.token]: Whole }),
})
export const GrantRevoked = Type.Object({
  sub_id: Opaque,
  events: Type.Object({ [revocationEventTypes.grant]: Whole }),
})
export const ClientTokensRevoked = Type.Object({
  sub_id: Opaque,
  events: Type.Object({ [revocationEventTypes.client]: UpTo }),
})
export const SubjectTokensRevoked = Type.Object({
  sub_id: IssSub,
  events: Type.Object({ [revocationEventTypes.subject]: UpTo }),
})
export const KeyRevoked = Type.Object({
  sub_id: Opaque,
  events: Type.Object({ [revocationEventTypes.key]: Whole }),
})

/** The claims that say what is revoked: `sub_id` and `events`. */
export function formatRevocation(
  issuer: string,
  { kind, value, notBefore, expiresAt }: Revocation,
): { sub_id: Record<string, string>; events: Record<string, Record<string, number>> } {
  const details = { token_expires_at: expiresAt, ...(notBefore !== undefined && { not_before: notBefore }) }
  return { sub_id: subjectOf(issuer, kind, value), events: { [revocationEventTypes[kind]]: details } }
}

function subjectOf(issuer: string, kind: RevocationKind, value: string): Record<string, string> {
  switch (kind) {
    case 'token':
      return { format: 'jwt_id', iss: issuer, jti: value }
    case 'subject':
      return { format: 'iss_sub', iss: issuer, sub: value }
    default:
      return { format: 'opaque', id: value }
  }
}

const AnyEvents = Type.Object({ events: Type.Record(Type.String(), Type.Unknown()) })

/**
 * What an event of the issuer says.
 * @param claims of the Security Event Token, whose signature, issuer and audience are found right
 * @returns `unknown` where it is an event of another type; `malformed` where it is none, or breaks the schema of its type,
 *   or is about something of another issuer
 */
export function parseRevocation(claims: unknown, issuer: string): Revocation | 'unknown' | 'malformed' {
  if (!Value.Check(AnyEvents, claims)) return 'malformed'
  const kind = revocationKinds.find((known) => Object.hasOwn(claims.events, revocationEventTypes[known]))
  return kind === undefined ? 'unknown' : (readers[kind](claims, issuer) ?? 'malformed')
}

const { token, grant, client, subject, key } = revocationEventTypes

const readers: Record<RevocationKind, (claims: unknown, issuer: string) => Revocation | undefined> = {
  token(claims, issuer) {
    if (!Value.Check(TokenRevoked, claims) || claims.sub_id.iss !== issuer) return undefined
    return { kind: 'token', value: claims.sub_id.jti, expiresAt: claims.events[token].token_expires_at }
  },
  grant(claims) {
    if (!Value.Check(GrantRevoked, claims)) return undefined
    return { kind: 'grant', value: claims.sub_id.id, expiresAt: claims.events[grant].token_expires_at }
  },
  client(claims) {
    if (!Value.Check(ClientTokensRevoked, claims)) return undefined
    const { not_before, token_expires_at } = claims.events[client]
    return { kind: 'client', value: claims.sub_id.id, notBefore: not_before, expiresAt: token_expires_at }
  },
  subject(claims, issuer) {
    if (!Value.Check(SubjectTokensRevoked, claims) || claims.sub_id.iss !== issuer) return undefined
    const { not_before, token_expires_at } = claims.events[subject]
    return { kind: 'subject', value: claims.sub_id.sub, notBefore: not_before, expiresAt: token_expires_at }
  },
  key(claims) {
    if (!Value.Check(KeyRevoked, claims)) return undefined
    return { kind: 'key', value: claims.sub_id.id, expiresAt: claims.events[key].token_expires_at }
  },
}
