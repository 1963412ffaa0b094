/**
 * Envoy's `X-Forwarded-Client-Cert`: elements for the certificates along the way, each of `Key=Value` pairs. Only the last
 * one, which our own gateway has appended, says whose connection the request came by; a client may have sent the others.
 */
import type { ThumbprintOf } from './form.ts'
import { thumbprintOfPem } from './pem.ts'

/** A pair with what stands before it: nothing, `;` within an element, or `,` between two. */
const pair = /(^|;|, ?)([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))/y
const sha256Hex = /^[0-9a-f]{64}$/i

type Element = Map<string, string>

/** @returns its pairs, names in lower case; undefined where the header breaks the grammar, or repeats a name */
export function lastElement(header: string): Element | undefined {
  let element: Element = new Map()
  pair.lastIndex = 0
  while (pair.lastIndex < header.length) {
    const match = pair.exec(header)
    if (!match) return undefined
    const [, separator, name = '', quoted, plain = ''] = match
    if (separator?.startsWith(',')) element = new Map()
    if (element.has(name.toLowerCase())) return undefined
    element.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain)
  }
  return element
}

export const thumbprintOfXfcc: ThumbprintOf = (value) => {
  const element = lastElement(value)
  const hash = element?.get('hash')
  if (hash === undefined) return thumbprintOfPem(element?.get('cert') ?? '')
  return sha256Hex.test(hash) ? Buffer.from(hash, 'hex').toString('base64url') : undefined
}
