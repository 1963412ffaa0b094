/** The published form of the schema: for those who write a file, members with a default are not required. */
import { Config } from './schema.ts'

export function schemaDocument(): string {
  const document = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of the Postern sidecar',
    ...asRecord(withoutDefaultedRequirements(JSON.parse(JSON.stringify(Config)))),
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

function withoutDefaultedRequirements(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutDefaultedRequirements)
  if (!isRecord(schema)) return schema
  const entries = Object.entries(schema).map(([key, value]) => [key, withoutDefaultedRequirements(value)])
  const { required, properties } = schema
  if (!Array.isArray(required) || !isRecord(properties)) return Object.fromEntries(entries)
  const hasDefault = (name: unknown) =>
    isRecord(properties[String(name)]) && 'default' in asRecord(properties[String(name)])
  return { ...Object.fromEntries(entries), required: required.filter((name) => !hasDefault(name)) }
}

function asRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {}
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
