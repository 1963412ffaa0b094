/**
 * JSON Schemas that tenants give for their types of authorization details (RFC 9396 section 2.1). They run here, for
 * every request, so they may say only what takes a bounded time to check: no references, which may go in circles; no
 * patterns, which may take for ever; no `uniqueItems`. What is not known is refused, so that no misspelt keyword is a hole.
 */
import { type AuthorizationDetail, authorizationDetailsDepth } from '@postern/protocol/authorization-details'
import { parseIJson } from '@postern/protocol/i-json'
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { IsDate, IsDateTime, IsUri, IsUuid } from 'typebox/format'

const formats = { date: IsDate, 'date-time': IsDateTime, uri: IsUri, uuid: IsUuid }

const schema = { $ref: '#' }
const schemas = { type: 'array', minItems: 1, items: schema }
const members = { type: 'object', additionalProperties: schema }
const count = { type: 'integer', minimum: 0 }
const number = { type: 'number' }
const text = { type: 'string' }
const strings = { type: 'array', items: text }
const typeName = { enum: ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] }

/** The keywords of JSON Schema 2020-12 that there are, as a JSON Schema. */
const metaSchema = {
  type: ['object', 'boolean'],
  additionalProperties: false,
  properties: {
    $schema: { const: 'https://json-schema.org/draft/2020-12/schema' },
    title: text,
    description: text,
    examples: { type: 'array' },
    type: { anyOf: [typeName, { type: 'array', minItems: 1, items: typeName }] },
    enum: { type: 'array', minItems: 1 },
    const: true,
    format: { enum: Object.keys(formats) },
    minLength: count,
    maxLength: count,
    minimum: number,
    maximum: number,
    exclusiveMinimum: number,
    exclusiveMaximum: number,
    multipleOf: { type: 'number', exclusiveMinimum: 0 },
    properties: members,
    required: strings,
    additionalProperties: schema,
    propertyNames: schema,
    minProperties: count,
    maxProperties: count,
    dependentRequired: { type: 'object', additionalProperties: strings },
    dependentSchemas: members,
    items: schema,
    prefixItems: schemas,
    contains: schema,
    minContains: count,
    maxContains: count,
    minItems: count,
    maxItems: count,
    allOf: schemas,
    anyOf: schemas,
    oneOf: schemas,
    not: schema,
    if: schema,
    // biome-ignore lint/suspicious/noThenProperty: the keyword of that name
    then: schema,
    else: schema,
  },
}

const ajv = new Ajv2020({ meta: false, strict: false, ownProperties: true, formats, logger: false })
const isSchema = ajv.compile(metaSchema)

const maxCharacters = 16_384
/** A schema for a detail of the greatest depth needs a keyword and a name at each level. */
const maxDepth = 3 * authorizationDetailsDepth

/** @returns where it is wrong, and why; undefined where it is a schema that may be used */
export function detailSchemaProblem(schema: Readonly<Record<string, unknown>>): string | undefined {
  const text = JSON.stringify(schema)
  if (text.length > maxCharacters) return `is longer than ${maxCharacters} characters`
  if (parseIJson(text, maxDepth) === undefined) return `is nested deeper than ${maxDepth} levels`
  return isSchema(schema) ? undefined : problemOf(isSchema.errors)
}

/**
 * Compiles a schema that has no problem.
 * @returns a function that tells what is wrong with a detail, in the words of the schema, or undefined
 */
export function compileDetailSchema(
  schema: Readonly<Record<string, unknown>>,
): (detail: AuthorizationDetail) => string | undefined {
  const fits = ajv.compile(schema)
  // The library would keep it for ever.
  ajv.removeSchema(schema)
  return (detail) => (fits(detail) ? undefined : problemOf(fits.errors))
}

function problemOf(errors: readonly ErrorObject[] | null | undefined): string {
  const { instancePath, message, params } = errors?.[0] ?? { instancePath: '', message: 'is refused', params: {} }
  const name = 'additionalProperty' in params ? `: ${params.additionalProperty}` : ''
  return `${instancePath} ${message}${name}`.trim()
}
