/** JSON as `google.protobuf.Struct`. */

export interface Struct {
  fields: Readonly<Record<string, Value>>
}

export type Value =
  | { nullValue: 0 }
  | { boolValue: boolean }
  | { numberValue: number }
  | { stringValue: string }
  | { listValue: { values: Value[] } }
  | { structValue: Struct }

/** Levels of what one member holds: Envoy refuses messages with more than a hundred. */
const maxDepth = 16

/** Members that are nested too deep are left out, as are those that JSON does not know. */
export function toStruct(json: Readonly<Record<string, unknown>>): Struct {
  const members = Object.entries(json).filter(([, value]) => isFlat(value, maxDepth))
  return { fields: Object.fromEntries(members.map(([name, value]) => [name, toValue(value)])) }
}

function isFlat(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return value !== undefined
  return depth > 0 && Object.values(value).every((inner) => isFlat(inner, depth - 1))
}

function toValue(value: unknown): Value {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'number') return { numberValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } }
  return typeof value === 'object' && value !== null ? { structValue: toStruct({ ...value }) } : { nullValue: 0 }
}
