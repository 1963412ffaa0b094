/**
 * Claims that only an authorization server itself may write. The rule: whatever it puts into a token, an ID token, an
 * introspection answer or a security event, because somebody decides by it, is nobody else's to name.
 */

const reserved: ReadonlySet<string> = new Set([
  // RFC 7519 section 4.1
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'],
  // RFC 9068 section 2.2, RFC 8693 section 4, RFC 7800 section 3.1, RFC 9396 section 9
  ...['client_id', 'scope', 'act', 'may_act', 'cnf', 'authorization_details'],
  // OpenID Connect Core sections 2 and 3.3.2.11, Front-Channel Logout section 3
  ...['auth_time', 'nonce', 'acr', 'amr', 'azp', 'at_hash', 'c_hash', 's_hash', 'sid'],
  // RFC 7662 section 2.2, RFC 9701 section 5
  ...['active', 'token_type', 'token_introspection'],
  // RFC 8417 section 2.2, RFC 9493 section 3
  ...['events', 'toe', 'txn', 'sub_id'],
  // Postern's own: what a refresh token and its access tokens have in common
  'grant_id',
])

/**
 * Whether a claim may be written by the authorization server only. Compared without case: JSON knows it, but readers
 * that fill records by name (Go's `encoding/json`) take `SUB` for `sub`.
 */
export function isReservedClaim(name: string): boolean {
  return reserved.has(name.toLowerCase())
}
