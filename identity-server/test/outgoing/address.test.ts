import { BlockList, isIPv4 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classifyAddress } from '../../src/outgoing/address.ts'

const cases: [kind: string, addresses: string[]][] = [
  ['public', ['1.1.1.1', '9.9.9.9', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0']],
  ['public', ['11.0.0.0', '126.255.255.255', '128.0.0.0', '223.255.255.255', '198.17.255.255', '198.20.0.0']],
  ['public', ['2606:4700:4700::1111', '2a00::1', '2001:200::1', '2003::', '3ffe::1', '64:ff9b::808:808']],
  ['private', ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.1', '100.64.0.1']],
  ['private', ['fc00::1', 'fdff:ffff::1', '64:ff9b::10.1.2.3', '64:ff9b::a01:203']],
  ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '64:ff9b::7f00:1']],
  ['special', ['0.0.0.0', '0.1.2.3', '169.254.169.254', '192.0.0.192', '192.0.2.1', '198.18.0.1', '198.51.100.1']],
  ['special', ['203.0.113.1', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255', '192.88.99.1']],
  ['special', ['::', 'fe80::1', 'febf::1', 'fec0::1', 'ff02::1', '2001:db8::1', '3fff::1', '100::1', '2001::1']],
  ['special', ['::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1', '::127.0.0.1', '::ffff:0:127.0.0.1']],
  ['special', ['2002:7f00:1::', '2002:808:808::', '64:ff9b:1::a00:1', '5f00::1', '4000::1', 'a000::1']],
  ['special', ['100.100.100.200', '168.63.129.16', 'fd00:ec2::254', '64:ff9b::169.254.169.254']],
  ['special', ['', 'localhost', '127.1', '0177.0.0.1', '2130706433', 'fe80::1%eth0', '[::1]', '::1 ', '1.1.1.1.']],
]

describe('addresses', () => {
  test.each(cases.flatMap(([kind, addresses]) => addresses.map((address) => [address, kind])))(
    '%s: %s',
    (address, kind) => expect(classifyAddress(address)).toBe(kind),
  )
})

describe('against the block list of node:net', () => {
  const closed = new BlockList()
  const networks4 = `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32`
  const networks6 = `2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20`
  for (const [network, family] of [...list(networks4, 'ipv4'), ...list(networks6, 'ipv6')] as const) {
    const [address = '', length] = network.split('/')
    closed.addSubnet(address, Number(length), family)
  }
  const open6 = new BlockList()
  open6.addSubnet('2000::', 3, 'ipv6')

  function list(text: string, family: 'ipv4' | 'ipv6') {
    return text.split(/\s+/).map((network) => [network, family] as const)
  }

  const isPublic4 = (address: string) => !closed.check(address, 'ipv4')
  // The block list itself sees the IPv4 address in a mapped one; those lie outside of 2000::/3.
  const isPublic6 = (address: string) => open6.check(address, 'ipv6') && !closed.check(address, 'ipv6')

  const octet = fc.integer({ min: 0, max: 255 })
  const firstOctet = fc.oneof(octet, fc.constantFrom(10, 100, 127, 168, 169, 172, 192, 198, 203))
  const address4 = fc
    .tuple(firstOctet, fc.oneof(octet, fc.constantFrom(0, 16, 63, 64, 168, 254)), octet, octet)
    .map((octets) => octets.join('.'))
  const group = fc.integer({ min: 0, max: 0xffff })
  const firstGroup = fc.oneof(group, fc.constantFrom(0x2001, 0x2002, 0x2620, 0x3fff, 0xfe80, 0xfc00, 0x2a00))
  const address6 = fc
    .tuple(
      firstGroup,
      fc.oneof(group, fc.constantFrom(0, 0x200, 0xdb8, 0x4f)),
      fc.array(group, { minLength: 6, maxLength: 6 }),
    )
    .map(([first, second, rest]) => [first, second, ...rest].map((part) => part.toString(16)).join(':'))

  test('IPv4', () => {
    fc.assert(
      fc.property(address4, (address) => (classifyAddress(address) === 'public') === isPublic4(address)),
      { numRuns: 5_000 },
    )
  })

  test('IPv6', () => {
    fc.assert(
      fc.property(address6, (address) => (classifyAddress(address) === 'public') === isPublic6(address)),
      { numRuns: 5_000 },
    )
  })

  test('every spelling of an IPv6 address is of one kind', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        // The URL parser writes every address in its one short form.
        const short = new URL(`http://[${address}]/`).hostname.slice(1, -1)
        expect(classifyAddress(short)).toBe(classifyAddress(address))
        expect(classifyAddress(address.toUpperCase())).toBe(classifyAddress(address))
      }),
      { numRuns: 2_000 },
    )
  })

  test('whatever wraps an IPv4 address is public only where NAT64 wraps a public one', () => {
    fc.assert(
      fc.property(
        fc.ipV4(),
        fc.constantFrom('::ffff:', '::', '::ffff:0:', '64:ff9b::', '64:ff9b:1::'),
        (address, prefix) => {
          expect(isIPv4(address)).toBe(true)
          const expected = prefix === '64:ff9b::' && isPublic4(address)
          expect(classifyAddress(`${prefix}${address}`) === 'public').toBe(expected)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('any text is of some kind, and only an address is public', () => {
    fc.assert(fc.property(fc.string(), (text) => classifyAddress(text) === 'special' || isAddress(text)))
  })

  function isAddress(text: string): boolean {
    return URL.canParse(`http://${text.includes(':') ? `[${text}]` : text}/`)
  }
})
