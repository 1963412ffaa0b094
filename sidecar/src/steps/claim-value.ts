/** From claims to what may stand in a header. */
import { isDeepStrictEqual } from 'node:util'
import { isExact } from '@postern/protocol/i-json'
import type { MappedClaim } from '../config/schema/headers.ts'

type Claims = Readonly<Record<string, unknown>>
type Wanted = Pick<MappedClaim, 'claim' | 'format' | 'separator'>

/**
 * What may stand in a header: visible ASCII, and spaces within. Anything else could break out of it, or be misread: spaces at
 * an end are dropped on the way (RFC 9110 section 5.5), and ` admin` would arrive as `admin`.
 */
const safe = /^(?! )[\x20-\x7E]{1,4096}(?<! )$/

/** @returns undefined where the claim is not there, or cannot be told in this format */
export function headerValueOf(claims: Claims, { claim, format, separator }: Wanted): string | undefined {
  const value = typeof claim === 'string' ? own(claims, claim) : claim.reduce<unknown>(memberOf, claims)
  if (value === undefined || value === null || isRounded(value)) return undefined
  const text = render(value, format, separator)
  return text !== undefined && safe.test(text) ? text : undefined
}

function memberOf(value: unknown, step: string | number): unknown {
  if (typeof step === 'number') return Array.isArray(value) ? value[step] : undefined
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? own(value, step) : undefined
}

/** `toString` and its kin are no claims. */
function own(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? Reflect.get(object, name) : undefined
}

/** One of the numbers may be another than the issuer wrote: two users would become one. */
function isRounded(value: unknown): boolean {
  if (typeof value === 'number') return !isExact(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(isRounded)
}

function render(value: unknown, format: Wanted['format'], separator: string): string | undefined {
  switch (format) {
    case 'text':
      return toText(value, separator)
    case 'json':
      return asciiJson(value)
    case 'base64':
    case 'base64url': {
      const text = isPlain(value) ? toText(value, separator) : JSON.stringify(value)
      return text === undefined ? undefined : Buffer.from(text).toString(format)
    }
  }
}

/** What has a form as text: no object, or a list with none in it. */
function isPlain(value: unknown): boolean {
  return [value].flat().every((item) => typeof item !== 'object')
}

/** What comes apart otherwise is left out: an item that holds the separator, or with spaces at its ends, which others trim. */
function toText(value: unknown, separator: string): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (!Array.isArray(value)) return undefined
  const items = value.map((item) => (Array.isArray(item) ? undefined : toText(item, separator)))
  const text = items.join(separator)
  const apart = text === '' ? [] : text.split(separator).map((item) => item.trim())
  return isDeepStrictEqual(apart, items) ? text : undefined
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7E]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
