/** Telling JWTs from opaque tokens, and which issuer a JWT claims, before anything of it is believed. */
import { type ReceivedJwt, receiveJwt } from '../remote/jwt/received-jwt.ts'

const compactJws = /^([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

export type TokenKind =
  | { kind: 'opaque' }
  /**
   * `issuer` only selects among the trusted ones: nothing is fetched from where it points.
   * `jwt` is undefined where it is malformed.
   */
  | { kind: 'jwt'; issuer: string | undefined; jwt: ReceivedJwt | undefined }

/** A JWT is a compact JWS (RFC 7515 section 7.1) whose header names an algorithm; everything else is opaque. */
export function tokenKind(token: string): TokenKind {
  const jwt = receiveJwt(token)
  if (typeof (jwt ? jwt.header.alg : algorithmOf(token)) !== 'string') return { kind: 'opaque' }
  const issuer = jwt?.payload.iss
  return { kind: 'jwt', issuer: typeof issuer === 'string' ? issuer : undefined, jwt }
}

/** Read leniently: what others might take for a JWT is not handed around as an opaque token. */
function algorithmOf(token: string): unknown {
  const [, header] = compactJws.exec(token) ?? []
  if (header === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(Buffer.from(header, 'base64url').toString())
    return typeof parsed === 'object' && parsed !== null && 'alg' in parsed ? parsed.alg : undefined
  } catch {
    return undefined
  }
}
