/** A place where a policy looks for the token. */
import type { DecisionRequest } from '@postern/protocol/decision'

export interface PresentedToken {
  token: string
  /** In `Authorization` with this scheme (RFC 9449 section 7.1); everywhere else a token is as good as a Bearer token. */
  scheme?: 'DPoP'
}

export type Extraction = PresentedToken | 'none' | 'malformed'

export interface TokenReader {
  /** A token that is there twice is malformed: gateway, sidecar and upstream might each read another one. */
  read(request: DecisionRequest): Extraction
}

/** What may be a token in any place: `b64token` (RFC 6750 section 2.1). */
const b64token = /^[A-Za-z0-9\-._~+/]+=*$/

/** @param values all that are there; empty ones are none */
export function onlyToken(values: readonly string[]): Extraction {
  const [value, ...more] = values
  if (value === undefined) return 'none'
  return more.length === 0 && b64token.test(value) ? { token: value } : 'malformed'
}
