/**
 * The step for tokens that are bound to a key (RFC 7800): their bearer has to prove that it holds it, by DPoP (RFC 9449) or
 * a client certificate (RFC 8705). No proof is understood yet, so such a token is refused: taken as a plain Bearer token, a
 * stolen one would do.
 */
import { Refusal } from '../failures.ts'
import type { Identity } from './identity.ts'

/** @throws Refusal where the token has a `cnf`, whatever it holds (RFC 7800 section 3.1, RFC 7662 section 2.2) */
export function refuseBoundToKey({ claims }: Identity): void {
  if (Object.hasOwn(claims, 'cnf')) throw new Refusal('invalid_token', 'the token is bound to a key')
}
