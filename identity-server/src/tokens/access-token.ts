/** Access tokens as JWTs (RFC 9068): issued without a row in the database, verified with the auth server's own keys. */
import { randomUUID } from 'node:crypto'
import { formatScope } from '@postern/protocol/scope'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { accessTokenType, type KeyRing } from '../keys/signing-keys.ts'

const AccessTokenClaims = Type.Object({
  iss: Type.String(),
  sub: Type.String(),
  aud: Type.String(),
  client_id: Type.String(),
  scope: Type.Optional(Type.String()),
  iat: Type.Number(),
  exp: Type.Number(),
  jti: Type.String(),
})
export type AccessTokenClaims = Static<typeof AccessTokenClaims>

const accessTokenClaims = Compile(AccessTokenClaims)

export interface AccessTokenContent {
  issuer: string
  subject: string
  clientId: string
  audience: string
  scopes: readonly string[]
  /** Seconds. */
  lifetime: number
}

/** @param now ms since the epoch */
export function issueAccessToken(keys: KeyRing, content: AccessTokenContent, now: number): Promise<string> {
  const issuedAt = Math.floor(now / 1000)
  const claims: AccessTokenClaims = {
    iss: content.issuer,
    sub: content.subject,
    aud: content.audience,
    client_id: content.clientId,
    ...(content.scopes.length > 0 && { scope: formatScope(content.scopes) }),
    iat: issuedAt,
    exp: issuedAt + content.lifetime,
    jti: randomUUID(),
  }
  return keys.active.sign(accessTokenType, claims)
}

/**
 * Verifies an access token that this auth server is said to have issued: signature, type, issuer, expiry.
 * @param now ms since the epoch
 * @returns its claims, or undefined where it is not a valid token of this issuer
 */
export async function verifyAccessToken(
  keys: KeyRing,
  issuer: string,
  token: string,
  now: number,
): Promise<AccessTokenClaims | undefined> {
  const claims = await keys.verifyAccessToken(token)
  if (!accessTokenClaims.Check(claims)) return undefined
  return claims.iss === issuer && now < claims.exp * 1_000 ? claims : undefined
}
