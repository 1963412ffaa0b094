/** A place where a policy looks for the token. */
import type { DecisionRequest } from '@postern/protocol/decision'

export interface PresentedToken {
  /** Any text: its grammar is looked at where nothing is known about it yet (authenticate.ts). */
  token: string
  /** In `Authorization` with this scheme (RFC 9449 section 7.1); everywhere else a token is as good as a Bearer token. */
  scheme?: 'DPoP'
}

export type Extraction = PresentedToken | 'none' | 'repeated'

export interface TokenReader {
  /** Of a token that is there twice gateway, sidecar and upstream might each read another one. */
  read(request: DecisionRequest): Extraction
}

/** @param values all that are there */
export function onlyToken(values: readonly string[]): Extraction {
  const [token, ...more] = values
  if (token === undefined) return 'none'
  return more.length === 0 ? { token } : 'repeated'
}
