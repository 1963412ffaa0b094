/** Which URLs of tenants may be asked at all: what their text tells, before any name is resolved. */
import { isIP } from 'node:net'
import { type AddressKind, classifyAddress } from './address.ts'
import { OutgoingError, type OutgoingReason } from './error.ts'

export interface OutgoingRules {
  /** Also private addresses, and http to this machine: for development, tests and internal networks. */
  allowPrivate: boolean
}

const maxLength = 2_048
/** RFC 3986 knows no others; WHATWG parsers would repair them, each into something else. */
const plain = /^https?:\/\/[\x21\x23-\x5b\x5d-\x7e]+$/i

/**
 * Says what is wrong with a URL, for whoever wants to store it.
 * @returns undefined where it may be stored; its name may still lead to a forbidden address when it is asked
 */
export function checkOutgoingUrl(text: string, rules: OutgoingRules): OutgoingReason | undefined {
  if (text.length > maxLength || !plain.test(text) || !URL.canParse(text)) return 'malformed_url'
  const url = new URL(text)
  if (url.hash !== '' || text.endsWith('#')) return 'malformed_url'
  if (url.username !== '' || url.password !== '') return 'credentials_in_url'
  const kind = kindOfHost(url.hostname)
  if (url.protocol === 'http:' && !(rules.allowPrivate && kind === 'loopback')) return 'not_https'
  return kind === undefined || mayConnect(kind, url.protocol, rules) ? undefined : 'forbidden_address'
}

/** @throws OutgoingError */
export function parseOutgoingUrl(text: string, rules: OutgoingRules): URL {
  const reason = checkOutgoingUrl(text, rules)
  if (reason) throw new OutgoingError(reason, URL.canParse(text) ? new URL(text).host : 'a URL')
  return new URL(text)
}

export function mayConnect(kind: AddressKind, protocol: string, { allowPrivate }: OutgoingRules): boolean {
  if (protocol === 'http:') return allowPrivate && kind === 'loopback'
  return kind === 'public' || (allowPrivate && (kind === 'private' || kind === 'loopback'))
}

/** Of an address, or of the name that means this machine (RFC 6761 section 6.3); undefined for other names. */
function kindOfHost(hostname: string): AddressKind | undefined {
  // The parser has turned every spelling of an IPv4 address (2130706433, 0177.1, 0x7f.1) into the usual one.
  const host = hostname.replace(/^\[|\]$|\.$/g, '')
  if (isIP(host)) return classifyAddress(host)
  return /(^|\.)localhost$/.test(host) ? 'loopback' : undefined
}
