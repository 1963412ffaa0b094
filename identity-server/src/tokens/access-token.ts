/**
 * Access tokens: JWTs (RFC 9068), issued without a row in the database and verified with the auth server's own keys; or
 * opaque ones, whose claims are a row that is found by the token's hash. Whoever verifies one need not know which it is.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Actor } from '@postern/protocol/actor'
import { AuthorizationDetail } from '@postern/protocol/authorization-details'
import { Confirmation } from '@postern/protocol/confirmation'
import { formatScope } from '@postern/protocol/scope'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { accessTokenType, type KeyRing } from '../keys/signing-keys.ts'
import type { Database } from '../store/database.ts'
import { findOpaqueToken, insertOpaqueToken } from '../store/opaque-tokens.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import { createVerifiedTokens } from './verified-tokens.ts'

const AccessTokenClaims = Type.Object({
  iss: Type.String(),
  sub: Type.String(),
  aud: Type.Union([Type.String(), Type.Array(Type.String())]),
  client_id: Type.String(),
  scope: Type.Optional(Type.String()),
  iat: Type.Number(),
  exp: Type.Number(),
  jti: Type.String(),
  cnf: Type.Optional(Confirmation),
  authorization_details: Type.Optional(Type.Array(AuthorizationDetail)),
  /** The authorization that the token comes from, where others come from the same: revoked together. */
  grant_id: Type.Optional(Type.String()),
})
/** Further ones may be there: `act`, and what the claims engine made. */
export type AccessTokenClaims = Static<typeof AccessTokenClaims>

const accessTokenClaims = Compile(AccessTokenClaims)

export interface AccessTokenContent {
  format: 'jwt' | 'opaque'
  subject: string
  clientId: string
  /** At least one. */
  audiences: readonly string[]
  scopes: readonly string[]
  authorizationDetails: readonly AuthorizationDetail[]
  /** Seconds. */
  lifetime: number
  confirmation?: Confirmation | undefined
  actor?: Actor | undefined
  grantId?: string | undefined
  /** Further claims; those above are never among them. */
  claims?: Readonly<Record<string, unknown>>
}

/** Whose tokens they are. */
export interface TokenIssuer {
  authServer: AuthServer
  keys: KeyRing
}

export interface AccessTokens {
  /**
   * @param now ms since the epoch
   * @returns the token, and its identifier (`jti`)
   * @throws StoreError where an opaque token could not be stored
   */
  issue(issuer: TokenIssuer, content: AccessTokenContent, now: number): Promise<{ token: string; id: string }>
  /**
   * Verifies an access token that this auth server is said to have issued: its genuineness, type, issuer and expiry.
   * @param now ms since the epoch
   * @returns its claims, not to be changed, or undefined where it is not a valid token of this issuer; at once where the
   *   token was verified before
   * @throws StoreError where that cannot be known
   */
  verify(
    issuer: TokenIssuer,
    token: string,
    now: number,
  ): AccessTokenClaims | undefined | Promise<AccessTokenClaims | undefined>
}

/** Lets secret scanners recognise a token that leaked, and tells opaque tokens from JWTs. */
const opaquePrefix = 'pst_at_'
const opaqueToken = /^pst_at_[A-Za-z0-9_-]{43}$/

export function createAccessTokens(db: Database): AccessTokens {
  const verified = createVerifiedTokens<AccessTokenClaims>()

  const findOpaque = async (authServer: string, token: string): Promise<unknown> => {
    const row = await db.read({ authServer }, (tx) => findOpaqueToken(tx, authServer, hashOf(token)))
    return row?.claims
  }

  const examine = async ({ authServer, keys }: TokenIssuer, token: string): Promise<AccessTokenClaims | undefined> => {
    const claims = await (opaqueToken.test(token) ? findOpaque(authServer.id, token) : keys.verifyAccessToken(token))
    if (!accessTokenClaims.Check(claims)) return undefined
    verified.add(keys, token, claims)
    return claims
  }

  return {
    async issue({ authServer, keys }, content, now) {
      const claims = claimsOf(authServer, content, now)
      if (content.format === 'jwt') return { token: await keys.active.sign(accessTokenType, claims), id: claims.jti }
      const token = `${opaquePrefix}${randomBytes(32).toString('base64url')}`
      const row = { hash: hashOf(token), claims, expiresAt: new Date(claims.exp * 1000) }
      await db.commit({ authServer: authServer.id }, (tx) => insertOpaqueToken(tx, authServer.id, row))
      return { token, id: claims.jti }
    },
    verify(issuer, token, now) {
      const inForce = (claims: AccessTokenClaims | undefined) =>
        claims?.iss === issuer.authServer.issuer && now < claims.exp * 1_000 ? claims : undefined
      const known = verified.find(issuer.keys, token)
      return known ? inForce(known) : examine(issuer, token).then(inForce)
    },
  }
}

function claimsOf({ issuer }: AuthServer, content: AccessTokenContent, now: number): AccessTokenClaims {
  const issuedAt = Math.floor(now / 1000)
  const [audience = '', ...more] = content.audiences
  return {
    ...content.claims,
    iss: issuer,
    sub: content.subject,
    aud: more.length === 0 ? audience : [...content.audiences],
    client_id: content.clientId,
    ...(content.scopes.length > 0 && { scope: formatScope(content.scopes) }),
    ...(content.authorizationDetails.length > 0 && { authorization_details: [...content.authorizationDetails] }),
    iat: issuedAt,
    exp: issuedAt + content.lifetime,
    jti: randomUUID(),
    ...(content.confirmation && { cnf: content.confirmation }),
    ...(content.actor && { act: content.actor }),
    ...(content.grantId !== undefined && { grant_id: content.grantId }),
  }
}

/** 256 random bits need no key and no salt. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
