/** A form as features read it: most parameters stand for one value, a few may repeat. */
import { OAuthError } from '@postern/protocol/oauth-error'

export interface Form {
  /** The value of a parameter that may not repeat; undefined where it is absent or empty. */
  get(name: string): string | undefined
  /** The values of a parameter that may repeat (`repeatable`), in their order. */
  all(name: string): readonly string[]
}

/** Parameters of which several are allowed: RFC 8707 section 2, RFC 8693 section 2.1. */
export const repeatable: ReadonlySet<string> = new Set(['resource', 'audience'])

/** Parameters that hold JSON, in which lines may break (RFC 9396 section 2). */
export const json: ReadonlySet<string> = new Set(['authorization_details'])

export const emptyForm: Form = { get: () => undefined, all: () => [] }

/** A parameter that must be there. @throws OAuthError `invalid_request` */
export function required(form: Form, name: string): string {
  const value = form.get(name)
  if (value === undefined) throw new OAuthError('invalid_request', `${name} is required`)
  return value
}
