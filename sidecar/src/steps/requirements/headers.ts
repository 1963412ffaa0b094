/** Headers that the upstream relies on: without what they are to say, a request does not reach it. */
import type { PolicyConfig } from '../../config/schema/policy.ts'
import { headerValueOf } from '../claim-value.ts'
import { mappedHeaders } from '../headers.ts'
import type { Refuse, Requirement } from './requirement.ts'

export function requireHeaders(headers: PolicyConfig['headers'], refuse: Refuse): Requirement[] {
  return mappedHeaders(headers)
    .filter(({ mapping }) => mapping.required)
    .map(({ name, mapping }) => ({
      name: `headers.${name}`,
      ofToken: true,
      isMet: ({ claims }) => headerValueOf(claims, mapping) !== undefined,
      refusal: refuse('access_denied', `the token does not tell what the header ${name} needs`),
    }))
}
