import { describe, expect, test } from 'vitest'
import { isInNetworks, parseNetworks } from '../src/networks.ts'

describe('networks', () => {
  test.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '::1', true],
    ['::1', '127.0.0.1', false],
    ['::1,127.0.0.0/8', '127.0.0.2', true],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['127.0.0.1', undefined, false],
  ])('%s: %s is in it: %s', (text, address, expected) => {
    const networks = parseNetworks(text)
    expect(networks && isInNetworks(networks, address)).toBe(expected)
  })

  test.each([
    '',
    ',',
    '10.0.0.0/8,',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0/8',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    'localhost',
    '10.0.0.1 ',
    '::1%lo',
  ])('%j is no list of them', (text) => expect(parseNetworks(text)).toBeUndefined())
})
