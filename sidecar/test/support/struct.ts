/** `google.protobuf.Struct` as whoever receives it reads it. */
import type { Struct, Value } from '../../src/transports/ext-authz/struct.ts'

export function fromStruct(struct: Struct | undefined): Record<string, unknown> {
  const members = Object.entries(struct?.fields ?? {})
  return Object.fromEntries(members.map(([name, value]) => [name, fromValue(value)]))
}

function fromValue(value: Value): unknown {
  if ('structValue' in value) return fromStruct(value.structValue)
  if ('listValue' in value) return value.listValue.values.map(fromValue)
  if ('stringValue' in value) return value.stringValue
  if ('numberValue' in value) return value.numberValue
  return 'boolValue' in value ? value.boolValue : null
}
