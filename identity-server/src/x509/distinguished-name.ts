/**
 * Distinguished names, from certificates and from their string representation (RFC 4514), in one form to be compared:
 * types as object identifiers, values as text. Values are compared to the letter.
 */
import { type DerElement, readElements, readObjectIdentifier, tags } from './der.ts'

/** Its relative names from the most significant on, each a sorted list of types with values. */
export type DistinguishedName = readonly (readonly string[])[]

/** The short names of RFC 4514 section 3, and further ones that certificates are known by; in upper case. */
const types: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  C: '2.5.4.6',
  STREET: '2.5.4.9',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
  SN: '2.5.4.4',
  SERIALNUMBER: '2.5.4.5',
  TITLE: '2.5.4.12',
  GN: '2.5.4.42',
  ORGANIZATIONIDENTIFIER: '2.5.4.97',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
}

/** The string types of ASN.1 that names are made of. T61String is not among them: nobody agrees what its octets mean. */
const decoders: Readonly<Record<number, (content: Buffer) => string | undefined>> = {
  [tags.utf8String]: (content) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content),
  [tags.bmpString]: (content) => new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true }).decode(content),
  [tags.printableString]: decodeAscii,
  [tags.ia5String]: decodeAscii,
  [tags.numericString]: decodeAscii,
  [tags.visibleString]: decodeAscii,
}

/** @param content of a `Name` (RFC 5280 section 4.1.2.4). @throws Error where it is malformed */
export function readDistinguishedName(content: Buffer): DistinguishedName {
  return readElements(content).map(({ tag, content: set }) => {
    if (tag !== tags.set) throw new Error('a relative name is no set')
    return readElements(set)
      .map(({ tag: pair, content: attribute }) => {
        const [type, value, ...more] = readElements(attribute)
        if (pair !== tags.sequence || type?.tag !== tags.objectIdentifier || !value || more.length > 0) {
          throw new Error('an attribute is malformed')
        }
        return `${readObjectIdentifier(type.content)}${formOf(value)}`
      })
      .toSorted()
  })
}

/**
 * Parses the string representation (RFC 4514 section 3). Spaces after separators are passed over, as most tools write
 * them.
 * @returns undefined where it is malformed, empty, or names a type that is not known here by that name
 */
export function parseDistinguishedName(text: string): DistinguishedName | undefined {
  const names: string[][] = []
  let current: string[] = []
  let rest = text
  for (;;) {
    const [matched, type = '', value = '', separator = ''] = attributePattern.exec(rest) ?? []
    const attribute = matched === undefined ? undefined : parseAttribute(type, value)
    if (matched === undefined || attribute === undefined) return undefined
    current.push(attribute)
    if (separator !== '+') {
      names.push(current.toSorted())
      current = []
    }
    if (separator === '') return names.toReversed()
    rest = rest.slice(matched.length)
  }
}

export function isSameName(a: DistinguishedName, b: DistinguishedName): boolean {
  return a.length > 0 && JSON.stringify(a) === JSON.stringify(b)
}

/** Type, value with its escapes, and what ends it. */
const attributePattern =
  /^ *([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)=((?:[^\0"+,;<>\\]|\\[ "#+,;<=>\\]|\\[0-9A-Fa-f]{2})*)(?:([,+])|$)/

function parseAttribute(type: string, value: string): string | undefined {
  const oid = /^[0-9]/.test(type) ? type : types[type.toUpperCase()]
  const parsed = value.startsWith('#') ? parseHex(value.slice(1)) : parseText(value)
  return oid === undefined || parsed === undefined ? undefined : `${oid}${parsed}`
}

/** The DER of the value (section 2.4), for types without a short name. */
function parseHex(hex: string): string | undefined {
  const bytes = Buffer.from(hex, 'hex')
  if (bytes.toString('hex') !== hex.toLowerCase()) return undefined
  try {
    const [value, ...more] = readElements(bytes)
    return value && more.length === 0 ? formOf(value) : undefined
  } catch {
    // No DER: the caller refuses it like any other malformed name.
    return undefined
  }
}

function parseText(value: string): string | undefined {
  // Neither at the beginning nor at the end does a space stand unescaped.
  if (/^ |(?<!\\) $/.test(value)) return undefined
  const encoded = value
    .replaceAll('%', '%25')
    .replace(/\\([0-9A-Fa-f]{2})|\\(.)/g, (_, hex?: string, escaped = '') => (hex === undefined ? escaped : `%${hex}`))
  try {
    // Escapes in hexadecimal are octets of UTF-8, just as in percent-encoding.
    return `=${decodeURIComponent(encoded)}`
  } catch {
    // No UTF-8.
    return undefined
  }
}

/** A text by its letters, whatever string type holds it; anything else by its encoding. */
function formOf({ tag, content, encoding }: DerElement): string {
  const text = decoders[tag]?.(content)
  return text === undefined ? `#${encoding.toString('hex')}` : `=${text}`
}

function decodeAscii(content: Buffer): string | undefined {
  return content.every((octet) => octet < 0x80) ? content.toString('latin1') : undefined
}
