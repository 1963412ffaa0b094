/** What an admin is told about a body, path or query that does not fit its schema: where and why, never the value. */
import type { FastifySchemaValidationError } from 'fastify'

/** What a member's name looks like; anything else, such as a token in the wrong place, is not repeated. */
const memberName = /^[A-Za-z0-9_.-]{1,32}$/

/** @param part which part of the request it is: `body`, `params`, `querystring` */
export function describeValidation(errors: readonly FastifySchemaValidationError[], part: string): Error {
  const [error] = errors
  if (!error) return new Error(`${part} is not valid`)
  const { additionalProperty } = error.params
  // The schema's own messages name each member but the one that it does not know.
  const known = typeof additionalProperty === 'string' && memberName.test(additionalProperty)
  const name = known ? `: "${additionalProperty}"` : ''
  return new Error(`${part}${error.instancePath} ${error.message ?? 'is not valid'}${name}`)
}
