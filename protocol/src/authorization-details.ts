/** The `authorization_details` of rich authorization requests (RFC 9396): what exactly is asked for, or was granted. */
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { jsonEqual, parseIJson } from './i-json.ts'

const strings = (description: string) => Type.Optional(Type.Array(Type.String(), { description }))

/** Its type says which further members it has; those of section 2.2 mean the same in every type. */
export const AuthorizationDetail = Type.Object({
  type: Type.String({ minLength: 1 }),
  locations: strings('Where the resources are, typically URIs'),
  actions: strings('What may be done'),
  datatypes: strings('Which kinds of data'),
  identifier: Type.Optional(Type.String({ description: 'Which resource' })),
  privileges: strings('With which privileges'),
})
export type AuthorizationDetail = Static<typeof AuthorizationDetail>

const AuthorizationDetails = Type.Array(AuthorizationDetail, { minItems: 1, maxItems: 50 })

const maxCharacters = 8_192
/** How far a detail may be nested, the array around it counted. */
export const authorizationDetailsDepth = 10

/** @returns the details of the parameter, or undefined where it is malformed, too long, or nested too deep */
export function parseAuthorizationDetails(text: string): AuthorizationDetail[] | undefined {
  if (text.length > maxCharacters) return undefined
  const value = parseIJson(text, authorizationDetailsDepth)
  return Value.Check(AuthorizationDetails, value) ? value : undefined
}

/** Those of the details that are not among the granted ones, as they stand: what is less is for the type to say. */
export function exceedingDetails(
  details: readonly AuthorizationDetail[],
  granted: readonly AuthorizationDetail[],
): AuthorizationDetail[] {
  return details.filter((detail) => !granted.some((other) => jsonEqual(detail, other)))
}
