/**
 * What can be revoked, and which tokens that ends. The issuer and whoever verifies its tokens elsewhere must agree on it
 * to the second. Times are seconds since the epoch.
 */

/** By what: one token, all of one authorization, all of a client or of a subject up to a time, all that a key signed. */
export const revocationKinds = ['token', 'grant', 'client', 'subject', 'key'] as const
export type RevocationKind = (typeof revocationKinds)[number]

export interface Revocation {
  kind: RevocationKind
  /** `jti`, `grant_id`, `client_id`, `sub` or `kid`, after the kind. */
  value: string
  /** Of a client or a subject: tokens that were issued until then, that second included, are revoked. */
  notBefore?: number | undefined
  /** When the last token that it may affect has expired: until then it must be remembered. */
  expiresAt: number
}

/** The claims of a token by which it can be revoked, and the `kid` of its header. */
export interface RevocableClaims {
  jti?: string | undefined
  grant_id?: string | undefined
  client_id?: string | undefined
  sub?: string | undefined
  iat?: number | undefined
  kid?: string | undefined
}

/** The revocations that are in force, for a look-up at each use of a token. */
export interface RevokedTokens {
  /** Adds one; of two about the same, the wider counts. @returns whether there was one about the same */
  add(revocation: Revocation): boolean
  /** Whether the token is revoked. One that does not tell when it was issued, was issued long ago. */
  cover(claims: RevocableClaims): boolean
  /** Forgets what expired before this time. */
  forgetExpired(before: number): void
  readonly size: number
}

export function createRevokedTokens(): RevokedTokens {
  const token = new Map<string, Revocation>()
  const grant = new Map<string, Revocation>()
  const client = new Map<string, Revocation>()
  const subject = new Map<string, Revocation>()
  const key = new Map<string, Revocation>()
  const byKind: Record<RevocationKind, Map<string, Revocation>> = { token, grant, client, subject, key }

  return {
    add(revocation) {
      const { kind, value } = revocation
      const known = byKind[kind].get(value)
      byKind[kind].set(value, known ? wider(known, revocation) : revocation)
      return known !== undefined
    },
    cover: ({ jti, grant_id, client_id, sub, iat = Number.NEGATIVE_INFINITY, kid }) =>
      reaches(token, jti, iat) ||
      reaches(grant, grant_id, iat) ||
      reaches(client, client_id, iat) ||
      reaches(subject, sub, iat) ||
      reaches(key, kid, iat),
    forgetExpired(before) {
      for (const known of Object.values(byKind)) {
        for (const [value, { expiresAt }] of known) if (expiresAt < before) known.delete(value)
      }
    },
    get size() {
      return token.size + grant.size + client.size + subject.size + key.size
    },
  }
}

function reaches(known: ReadonlyMap<string, Revocation>, value: string | undefined, issuedAt: number): boolean {
  const revocation = value === undefined ? undefined : known.get(value)
  return revocation !== undefined && (revocation.notBefore === undefined || issuedAt <= revocation.notBefore)
}

function wider(one: Revocation, another: Revocation): Revocation {
  const expiresAt = Math.max(one.expiresAt, another.expiresAt)
  if (one.notBefore === undefined || another.notBefore === undefined)
    return { ...another, notBefore: undefined, expiresAt }
  return { ...another, notBefore: Math.max(one.notBefore, another.notBefore), expiresAt }
}
