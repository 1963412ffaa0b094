/** A JSON body from a stranger: of an expected type, not compressed, no larger than said, in UTF-8. */
import type { IncomingHttpHeaders } from 'node:http'
import { OutgoingError } from './error.ts'

const maxDepth = 64

interface Expected {
  mediaTypes: readonly string[]
  maxBytes: number
  /** For errors. */
  host: string
}

/** @throws OutgoingError; whatever the stream throws */
export async function readJson(
  headers: IncomingHttpHeaders,
  body: AsyncIterable<Uint8Array>,
  { mediaTypes, maxBytes, host }: Expected,
): Promise<unknown> {
  // Decompressed, few bytes become many. None was asked for, and none is undone here.
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new OutgoingError('encoded', host)
  const type = String(headers['content-type']).split(';')[0]?.trim().toLowerCase() ?? ''
  if (!mediaTypes.includes(type)) throw new OutgoingError('bad_content_type', host)
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw new OutgoingError('too_large', host)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new OutgoingError('too_large', host)
    chunks.push(chunk)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
    if (depthOf(text) > maxDepth) throw new Error('too deep')
    return JSON.parse(text)
  } catch {
    // Not kept as cause: the parser's message quotes the text.
    throw new OutgoingError('not_json', host)
  }
}

/** How deep arrays and objects lie in each other: whatever walks through them must not run out of stack. */
function depthOf(json: string): number {
  let depth = 0
  let deepest = 0
  for (const [mark] of json.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').matchAll(/[[\]{}]/g)) {
    depth += mark === '[' || mark === '{' ? 1 : -1
    if (depth > deepest) deepest = depth
  }
  return deepest
}
