/** The `cnf` of a token (RFC 7800): what its bearer must prove to hold. */
import { Confirmation } from '@postern/protocol/confirmation'
import { Compile } from 'typebox/compile'
import { Refusal } from '../../failures.ts'

const confirmation = Compile(Confirmation)

/** Whether a token of type DPoP says which key it is bound to: otherwise it would be taken for a Bearer token (RFC 9449 section 6). */
export function namesKey({ cnf }: Readonly<Record<string, unknown>>): boolean {
  return typeof cnf === 'object' && cnf !== null && Object.hasOwn(cnf, 'jkt')
}

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
