/** The types of authorization details that an auth server knows (RFC 9396 section 2). */
import type { AuthorizationDetail } from '@postern/protocol/authorization-details'
import { compileDetailSchema, detailSchemaProblem } from './detail-schema.ts'
import type { AuthServerSettings } from './settings.ts'

export interface DetailType {
  /** What is wrong with a detail of this type, or undefined. */
  problemOf(detail: AuthorizationDetail): string | undefined
}

/** The types by their names. Schemas are compiled when they are first needed: most auth servers need none. */
export function detailTypesOf({
  authorization_details_types: types = [],
}: AuthServerSettings): ReadonlyMap<string, DetailType> {
  return new Map(types.map(({ type, schema }) => [type, schema ? lazily(schema) : { problemOf: () => undefined }]))
}

/** @returns what is wrong with the settings, or undefined */
export function detailTypesProblem({
  authorization_details_types: types = [],
}: Pick<AuthServerSettings, 'authorization_details_types'>): string | undefined {
  const seen = new Set<string>()
  for (const { type, schema } of types) {
    if (seen.has(type)) return `the authorization details type ${type} is named twice`
    seen.add(type)
    const problem = schema && detailSchemaProblem(schema)
    if (problem !== undefined) return `the schema of the authorization details type ${type}: ${problem}`
  }
  return undefined
}

function lazily(schema: Readonly<Record<string, unknown>>): DetailType {
  let problemOf: DetailType['problemOf'] | undefined
  return {
    problemOf(detail) {
      problemOf ??= compileDetailSchema(schema)
      return problemOf(detail)
    },
  }
}
