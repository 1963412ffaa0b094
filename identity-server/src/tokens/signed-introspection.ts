/** Introspection answers as signed JWTs (RFC 9701), for callers that must prove later what they were told. */

import type { TokenIssuer } from './access-token.ts'
import type { Introspection } from './introspect.ts'

export const signedIntrospection = 'application/token-introspection+jwt'
/** Its `typ`, and no `sub` or `exp` beside it: so that nobody takes it for an access token (sections 5 and 8.1). */
const type = 'token-introspection+jwt'

/**
 * @param accept the Accept header
 * @returns whether the caller asks for a signed answer (section 4), and does not rather have JSON (RFC 9110 section 12.5.1)
 */
export function prefersSigned(accept: string | undefined): boolean {
  if (accept === undefined || !accept.toLowerCase().includes(signedIntrospection)) return false
  const qualities = new Map(accept.toLowerCase().split(',').map(qualityOf))
  const signed = qualities.get(signedIntrospection) ?? 0
  return signed > 0 && signed >= (qualities.get('application/json') ?? 0)
}

function qualityOf(range: string): [mediaType: string, quality: number] {
  const [mediaType = '', ...parameters] = range.split(';').map((part) => part.trim())
  const quality = parameters.find((parameter) => parameter.startsWith('q='))
  return [mediaType, quality === undefined ? 1 : Number(quality.slice(2)) || 0]
}

/**
 * The answer as a JWT for this caller alone (section 5).
 * @param now ms since the epoch
 */
export function signIntrospection(
  { authServer, keys }: TokenIssuer,
  caller: string,
  answer: Introspection,
  now: number,
): Promise<string> {
  return keys.active.sign(type, {
    iss: authServer.issuer,
    aud: caller,
    iat: Math.floor(now / 1_000),
    token_introspection: answer,
  })
}
