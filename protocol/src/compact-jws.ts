/**
 * The compact serialization of a JWS (RFC 7515 section 7.1), looked at before anything of it is believed: its size, its
 * spelling, and what it says it is. Lenient decoders read several spellings as one; what compares or remembers tokens
 * as text would then be passed by.
 */

export interface UnverifiedJws {
  header: Readonly<Record<string, unknown>>
  payload: Readonly<Record<string, unknown>>
}

const base64url = /^[A-Za-z0-9_-]+$/
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
  if (!isCanonical(signature)) return undefined
  const [parsedHeader, parsedPayload] = [decodeObject(header), decodeObject(payload)]
  return parsedHeader && parsedPayload ? { header: parsedHeader, payload: parsedPayload } : undefined
}

function decodeObject(part: string): Record<string, unknown> | undefined {
  if (!isCanonical(part)) return undefined
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(part, 'base64url'))
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject && !isDeeperThan(value, maxDepth) ? Object.fromEntries(Object.entries(value)) : undefined
  } catch {
    // No UTF-8 or no JSON: the caller refuses it like any other text that is no JWT.
    return undefined
  }
}

/** One spelling for each sequence of bytes: no padding, no stray bits in the last character. */
function isCanonical(part: string): boolean {
  return base64url.test(part) && Buffer.from(part, 'base64url').toString('base64url') === part
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((member) => isDeeperThan(member, depth - 1))
}
