/** Telling JWTs from opaque tokens, and which issuer a JWT claims, before anything of it is believed. */
import { decodeJwt, decodeProtectedHeader, errors } from 'jose'

const compactJws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

export type TokenKind =
  | { kind: 'opaque' }
  /** `issuer` only selects among the trusted ones: nothing is fetched from where it points. */
  | { kind: 'jwt'; issuer: string | undefined }

/** A JWT is a compact JWS (RFC 7515 section 7.1) whose header names an algorithm; everything else is opaque. */
export function tokenKind(token: string): TokenKind {
  if (!compactJws.test(token)) return { kind: 'opaque' }
  try {
    if (typeof decodeProtectedHeader(token).alg !== 'string') return { kind: 'opaque' }
  } catch (error) {
    if (error instanceof TypeError) return { kind: 'opaque' }
    throw error
  }
  try {
    const { iss } = decodeJwt(token)
    return { kind: 'jwt', issuer: typeof iss === 'string' ? iss : undefined }
  } catch (error) {
    if (error instanceof errors.JWTInvalid) return { kind: 'jwt', issuer: undefined }
    throw error
  }
}
