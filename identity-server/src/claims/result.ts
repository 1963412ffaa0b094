/** Values of CEL, made into JSON (protobuf's mapping, as the CEL specification has it) or into text. */
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { ExpressionError } from './errors.ts'
import { evaluationLimits, savedLimits } from './limits.ts'

/**
 * A copy in JSON that shares nothing with what it was made of.
 * @throws ExpressionError for what JSON cannot say exactly, and for what is too large or too deep
 */
export function toJson(value: unknown): unknown {
  let bytes = 0
  const count = (more: number) => {
    bytes += more
    if (bytes > evaluationLimits.resultBytes) throw refusal('too_large', 'the value is too large')
  }

  const convert = (part: unknown, depth: number): unknown => {
    if (depth > savedLimits.depth) throw refusal('too_deep', 'the value is too deep')
    if (Array.isArray(part)) {
      count(part.length)
      return part.map((item: unknown) => convert(item, depth + 1))
    }
    if (isMap(part)) return Object.fromEntries(Object.entries(part).map((entry) => convertEntry(entry, depth)))
    const scalar = toScalar(part)
    count(typeof scalar === 'string' ? scalar.length : 1)
    return scalar
  }
  const convertEntry = ([key, member]: [string, unknown], depth: number): [string, unknown] => {
    if (key === '__proto__') throw refusal('key_not_allowed', 'no key may be __proto__')
    requireText(key)
    count(key.length)
    return [key, convert(member, depth + 1)]
  }
  return convert(value, 0)
}

/** A value within other text. @throws ExpressionError for lists, maps and null, which have no one spelling */
export function toText(value: unknown): string {
  const scalar = value === null ? undefined : toScalar(value)
  if (scalar === undefined) throw refusal('not_text', 'null cannot stand within text')
  return String(scalar)
}

function toScalar(value: unknown): string | number | boolean | null {
  switch (typeof value) {
    case 'string':
      return requireText(value)
    case 'boolean':
      return value
    case 'number':
      if (!Number.isFinite(value)) throw refusal('not_finite', 'the result is no finite number')
      return value
    case 'bigint':
      return toNumber(value)
    default:
      return value === null ? null : toScalarOfObject(value)
  }
}

function toScalarOfObject(value: unknown): string | number {
  if (value instanceof UnsignedInt) return toNumber(value.value)
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw refusal('not_a_time', 'the result is no time')
    return value.toISOString()
  }
  if (value instanceof Duration) return `${value.valueOf() / 1_000}s`
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  throw refusal('no_plain_value', 'the result is neither text, number, boolean, list nor map')
}

/** Neither half characters nor NUL, which databases refuse, and which readers understand each in their way. */
function requireText(text: string): string {
  if (!text.isWellFormed() || text.includes('\0')) throw refusal('broken_text', 'the text is no Unicode text')
  return text
}

function toNumber(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw refusal('integer_out_of_range', 'the integer is beyond what JSON can say')
  return number
}

function isMap(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function refusal(code: string, message: string): ExpressionError {
  return new ExpressionError(code, message)
}
