/**
 * What an IP address is for, after the special-purpose registries of IANA (RFC 6890). Whatever stands in no row is
 * public for IPv4, and of IPv6 only what lies in 2000::/3, the part that has been given out.
 */
import { isIPv4, isIPv6 } from 'node:net'

export type AddressKind =
  | 'public'
  /** Of an organization's own network (RFC 1918, RFC 4193, RFC 6598). */
  | 'private'
  /** This machine. */
  | 'loopback'
  /** Nothing that an answer should come from: link-local, multicast, reserved, clouds' services for their machines. */
  | 'special'

/** The first row that fits decides. */
const rows: readonly (readonly [network: string, kind: AddressKind])[] = [
  // What a cloud tells its machines, secrets included, outside of the link-local addresses: Alibaba, Azure, AWS.
  ['100.100.100.200/32', 'special'],
  ['168.63.129.16/32', 'special'],
  ['fd00:ec2::/32', 'special'],
  ['0.0.0.0/8', 'special'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'private'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'special'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'special'],
  ['192.0.2.0/24', 'special'],
  ['192.88.99.0/24', 'special'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'special'],
  ['198.51.100.0/24', 'special'],
  ['203.0.113.0/24', 'special'],
  ['224.0.0.0/4', 'special'],
  ['240.0.0.0/4', 'special'],
  ['0.0.0.0/0', 'public'],
  ['::1/128', 'loopback'],
  ['fc00::/7', 'private'],
  ['2001::/23', 'special'],
  ['2001:db8::/32', 'special'],
  // 6to4 (RFC 3056): an IPv4 address in disguise.
  ['2002::/16', 'special'],
  ['2620:4f:8000::/48', 'special'],
  ['3fff::/20', 'special'],
  ['2000::/3', 'public'],
  // Among them addresses that wrap IPv4: ::ffff:0:0/96, ::/96 and the local NAT64 prefix.
  ['::/0', 'special'],
]

/** NAT64 (RFC 6052): where there is only IPv6, resolvers write IPv4 addresses so. They are what they wrap. */
const nat64 = prefixOf('64:ff9b::/96')

const table = rows.map(([network, kind]) => ({ prefix: prefixOf(network), kind }))

/** @param address as text, without brackets; what is none, or has a zone, is special */
export function classifyAddress(address: string): AddressKind {
  const bits = toBits(address)
  if (bits === undefined) return 'special'
  if (bits.startsWith(nat64)) return classifyBits(`4${bits.slice(nat64.length)}`)
  return classifyBits(bits)
}

function classifyBits(bits: string): AddressKind {
  return table.find(({ prefix }) => bits.startsWith(prefix))?.kind ?? 'special'
}

function prefixOf(network: string): string {
  const [address = '', length = ''] = network.split('/')
  const bits = toBits(address)
  if (bits === undefined) throw new Error(`${network} is no network`)
  return bits.slice(0, 1 + Number(length))
}

/** The family's number and then every bit, as characters: a network's addresses begin with the same ones. */
function toBits(address: string): string | undefined {
  if (isIPv4(address)) return `4${bitsOfIPv4(address)}`
  if (isIPv6(address) && !address.includes('%')) return `6${bitsOfIPv6(address)}`
  return undefined
}

function bitsOfIPv4(address: string): string {
  return address
    .split('.')
    .map((octet) => binary(Number(octet), 8))
    .join('')
}

function bitsOfIPv6(address: string): string {
  const dotted = /\d+\.\d+\.\d+\.\d+$/.exec(address)?.[0]
  const tail = dotted === undefined ? '' : bitsOfIPv4(dotted)
  const hexadecimal = dotted === undefined ? address : address.slice(0, -dotted.length)
  const [before = '', after = ''] = hexadecimal.split('::').map(bitsOfGroups)
  return before.padEnd(128 - after.length - tail.length, '0') + after + tail
}

function bitsOfGroups(text: string): string {
  return text
    .split(':')
    .filter((group) => group !== '')
    .map((group) => binary(Number.parseInt(group, 16), 16))
    .join('')
}

function binary(value: number, length: number): string {
  return value.toString(2).padStart(length, '0')
}
