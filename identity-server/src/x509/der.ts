/**
 * Reads DER (ITU-T X.690), as far as names in certificates need it. It only ever sees what OpenSSL has accepted as a
 * certificate; it is here because the text that Node.js makes of names must be taken apart again, which is how names
 * with commas and quotes got past others (CVE-2021-44532, CVE-2021-44533).
 */

export interface DerElement {
  /** The identifier octet: class, whether constructed, number. */
  tag: number
  content: Buffer
  /** With tag and length. */
  encoding: Buffer
}

export const tags = {
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  ia5String: 0x16,
  visibleString: 0x1a,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/**
 * The elements that stand one after the other.
 * @throws Error where it is no DER, or of tag numbers above 30
 */
export function readElements(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = []
  let start = 0
  while (start < bytes.length) {
    const tag = bytes.readUInt8(start)
    if ((tag & 0x1f) === 0x1f) throw new Error('a tag of several octets')
    const { length, contentStart } = readLength(bytes, start + 1)
    const end = contentStart + length
    if (end > bytes.length) throw new Error('an element is longer than what holds it')
    elements.push({ tag, content: bytes.subarray(contentStart, end), encoding: bytes.subarray(start, end) })
    start = end
  }
  return elements
}

/** The one element, of that tag. @throws Error */
export function readElement(bytes: Buffer, tag: number): Buffer {
  const [element, ...more] = readElements(bytes)
  if (element?.tag !== tag || more.length > 0) throw new Error('another element was expected')
  return element.content
}

/** The text of an object identifier: `2.5.4.3`. @throws Error */
export function readObjectIdentifier(content: Buffer): string {
  const arcs: number[] = []
  let arc = 0
  for (const [index, octet] of content.entries()) {
    arc = arc * 128 + (octet & 0x7f)
    if (!Number.isSafeInteger(arc)) throw new Error('an arc is too large')
    if (octet >= 0x80) {
      if (index === content.length - 1) throw new Error('an arc has no end')
      continue
    }
    arcs.push(arc)
    arc = 0
  }
  const [first, ...more] = arcs
  if (first === undefined) throw new Error('an empty object identifier')
  const root = Math.min(Math.floor(first / 40), 2)
  return [root, first - root * 40, ...more].join('.')
}

function readLength(bytes: Buffer, start: number): { length: number; contentStart: number } {
  const first = bytes.readUInt8(start)
  if (first < 0x80) return { length: first, contentStart: start + 1 }
  const octets = first & 0x7f
  // None: an indefinite length, which DER forbids.
  if (octets === 0 || octets > 4) throw new Error('a length is malformed')
  const length = bytes.readUIntBE(start + 1, octets)
  if (length < 0x80 || length < 2 ** (8 * (octets - 1))) throw new Error('a length is not minimal')
  return { length, contentStart: start + 1 + octets }
}
