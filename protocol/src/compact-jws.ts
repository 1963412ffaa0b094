/**
 * The compact serialization of a JWS (RFC 7515 section 7.1), looked at before anything of it is believed: its size, its
 * spelling, and what it says it is. Lenient decoders read several spellings as one; what compares or remembers tokens
 * as text would then be passed by.
 */

export interface UnverifiedJws {
  header: Readonly<Record<string, unknown>>
  payload: Readonly<Record<string, unknown>>
  signature: Buffer
}

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
  const [bytes, parsedHeader, parsedPayload] = [decode(signature), decodeHeader(header), decodeObject(payload)]
  if (!bytes || !parsedHeader || !parsedPayload) return undefined
  return { header: parsedHeader, payload: parsedPayload, signature: bytes }
}

/** All tokens by one key have one header. */
const headers = new Map<string, UnverifiedJws['header']>()
const maxHeaders = 64
const maxHeaderLength = 512

function decodeHeader(part: string): UnverifiedJws['header'] | undefined {
  const known = headers.get(part)
  if (known) return known
  const header = decodeObject(part)
  if (!header || part.length > maxHeaderLength) return header
  // Whoever makes headers up costs the others one decoding each, and no memory.
  if (headers.size >= maxHeaders) headers.clear()
  headers.set(part, deepFreeze(header))
  return header
}

/** One spelling for each sequence of bytes: no padding, no stray bits in the last character. */
function decode(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.length > 0 && bytes.toString('base64url') === part ? bytes : undefined
}

function decodeObject(part: string): Record<string, unknown> | undefined {
  const bytes = decode(part)
  if (!bytes) return undefined
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes))
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

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) deepFreeze(member)
  return Object.freeze(value)
}
