/** The `cnf` of a token (RFC 7800): what its bearer must prove to hold. */
import { Confirmation } from '@postern/protocol/confirmation'
import { Compile } from 'typebox/compile'
import { Refusal } from '../../failures.ts'

const confirmation = Compile(Confirmation)

/**
 * @returns undefined for a token that whoever holds it may use
 * @throws Refusal where any of it is not understood: to pass over it would let a thief use what the issuer has bound
 */
export function readConfirmation(claims: Readonly<Record<string, unknown>>): Confirmation | undefined {
  if (!Object.hasOwn(claims, 'cnf')) return undefined
  const { cnf } = claims
  if (!confirmation.Check(cnf) || Object.keys(cnf).length === 0) {
    throw new Refusal('invalid_token', 'the token is bound to a key in a way that is not understood')
  }
  return cnf
}
