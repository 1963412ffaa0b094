/**
 * The compact serialization of a JWS (RFC 7515 section 7.1), looked at before anything of it is believed: its size, its
 * spelling, and what it says it is. Lenient decoders read several spellings as one; what compares or remembers tokens
 * as text would then be passed by.
 */

export interface UnverifiedJws {
  header: Readonly<Record<string, unknown>>
  payload: Readonly<Record<string, unknown>>
}

/** One spelling for each sequence of bytes: no padding, no stray bits in the last character. */
const canonical = /^(?=.)(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Nested deeper than any claim has a reason to be. */
const maxDepth = 20

/**
 * Reads the header and the claims of a JWT without verifying it: to find out whose it claims to be.
 * @param maxLength most characters of the whole text
 * @returns undefined where the text is no strictly spelled compact JWS, or its header or payload is no JSON object
 */
export function readUnverifiedJws(text: string, maxLength: number): UnverifiedJws | undefined {
  if (text.length > maxLength) return undefined
  const [header, payload, signature, ...more] = text.split('.')
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined
  if (!canonical.test(signature)) return undefined
  const [parsedHeader, parsedPayload] = [decodeObject(header), decodeObject(payload)]
  return parsedHeader && parsedPayload ? { header: parsedHeader, payload: parsedPayload } : undefined
}

function decodeObject(part: string): Record<string, unknown> | undefined {
  if (!canonical.test(part)) return undefined
  try {
    const value: unknown = JSON.parse(utf8.decode(Buffer.from(part, 'base64url')))
    return isObject(value) && !isDeeperThan(value, maxDepth) ? value : undefined
  } catch {
    // No UTF-8 or no JSON: the caller refuses it like any other text that is no JWT.
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((member) => isDeeperThan(member, depth - 1))
}
