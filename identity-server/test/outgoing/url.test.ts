import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkOutgoingUrl, parseOutgoingUrl } from '../../src/outgoing/url.ts'

const guarded = { allowPrivate: false }
const open = { allowPrivate: true }

test.each(['https://keys.example/jwks', 'https://keys.example:8443/a?b=c', 'https://1.1.1.1/', 'HTTPS://Keys.Example'])(
  '%s may be asked',
  (url) => expect(checkOutgoingUrl(url, guarded)).toBeUndefined(),
)

const refused: [reason: string, urls: string[]][] = [
  [
    'malformed_url',
    ['', 'keys.example', '//keys.example/', 'https://', 'https:keys.example', 'https://a b/', 'https://ä.example/'],
  ],
  ['malformed_url', ['https://keys.example/\n', '\thttps://keys.example/', 'https:\\\\keys.example', 'https://a\\@b/']],
  ['malformed_url', ['https://keys.example/#a', 'https://keys.example/#', `https://keys.example/${'a'.repeat(2_048)}`]],
  [
    'malformed_url',
    ['file:///etc/passwd', 'ftp://keys.example/', 'data:application/json,{}', 'javascript:0', 'unix:/a'],
  ],
  ['malformed_url', ['https://1.2.3.4.5/', 'https://256.1.1.1/', 'https://[::1', 'https://a:65536/', 'https://a%00b/']],
  ['not_https', ['http://keys.example/', 'http://127.0.0.1/', 'http://localhost/', 'http://10.0.0.1/']],
  [
    'credentials_in_url',
    ['https://user:hidden@keys.example/', 'https://user@keys.example/', 'https://1.1.1.1@127.0.0.1/'],
  ],
]
test.each(refused.flatMap(([reason, urls]) => urls.map((url) => [url, reason])))('%j is refused: %s', (url, reason) =>
  expect(checkOutgoingUrl(url, guarded)).toBe(reason),
)

/** CVE-2026-1180, CVE-2026-4874: the class is a URL of a tenant's that makes the server ask within its own network. */
describe('server-side request forgery: addresses in every spelling', () => {
  const spellings = [
    ...['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001'],
    ...['127.0.0.1.', '%31%32%37.0.0.1', '0x7F.0x0.0x0.0x1', '0', '0.0.0.0', '00', '0x0', '１２７.0.0.1', '①②⑦.0.0.1'],
    ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'a.localhost.', '%6cocalhost'],
    ...['[::1]', '[0:0:0:0:0:0:0:1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0::FFFF:127.0.0.1]'],
    ...['[::127.0.0.1]', '[64:ff9b::127.0.0.1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2001::1]'],
    ...['[fe80::1]', '[fc00::1]', '[fd00:ec2::254]', '[ff02::1]', '[2001:db8::1]', '[::ffff:169.254.169.254]'],
    ...['10.0.0.1', '10.1', '167772161', '172.16.0.1', '192.168.1.1', '100.64.0.1', '169.254.169.254', '2852039166'],
    ...['0xa9fea9fe', '0251.0376.0251.0376', '168.63.129.16', '100.100.100.200', '224.0.0.1', '255.255.255.255'],
  ]
  test.each(spellings)('%s', (host) => {
    const reason = checkOutgoingUrl(`https://${host}/`, guarded)
    // Those that are not ASCII are no URLs in the first place.
    expect(reason).toBe(/^[\x21-\x7e]+$/.test(host) ? 'forbidden_address' : 'malformed_url')
    expect(checkOutgoingUrl(`https://user@${host}/`, guarded)).toBeDefined()
    expect(checkOutgoingUrl(`http://${host}/`, guarded)).toBeDefined()
  })
})

describe('where private addresses are allowed', () => {
  const cases: [url: string, reason: string | undefined][] = [
    ['https://10.0.0.1/', undefined],
    ['https://[fd00::1]/', undefined],
    ['https://127.0.0.1/', undefined],
    ['https://localhost/', undefined],
    ['http://127.0.0.1:8080/', undefined],
    ['http://127.1:8080/', undefined],
    ['http://[::1]:8080/', undefined],
    ['http://localhost:8080/', undefined],
    ['http://10.0.0.1/', 'not_https'],
    ['http://keys.example/', 'not_https'],
    ['http://169.254.169.254/latest/meta-data', 'not_https'],
    ['https://169.254.169.254/latest/meta-data', 'forbidden_address'],
    ['https://100.100.100.200/', 'forbidden_address'],
    ['https://[fd00:ec2::254]/', 'forbidden_address'],
    ['https://0.0.0.0/', 'forbidden_address'],
    ['http://0.0.0.0/', 'not_https'],
    ['https://[::ffff:127.0.0.1]/', 'forbidden_address'],
    ['https://user@127.0.0.1/', 'credentials_in_url'],
  ]
  test.each(cases)('%s: %s', (url, reason) => expect(checkOutgoingUrl(url, open)).toBe(reason))
})

test('any text is refused, or parses to https without credentials', () => {
  const text = fc.oneof(
    fc.string(),
    fc.webUrl(),
    fc.string().map((part) => `https://${part}`),
  )
  fc.assert(
    fc.property(text, (url) => {
      if (checkOutgoingUrl(url, guarded) !== undefined) return
      expect(parseOutgoingUrl(url, guarded)).toMatchObject({ protocol: 'https:', username: '', password: '', hash: '' })
    }),
    { numRuns: 5_000 },
  )
})

test('an error names the host and nothing else of the URL', () => {
  const attempt = () => parseOutgoingUrl('https://user:hidden@keys.example:8443/hidden?hidden=hidden', guarded)
  expect(attempt).toThrow('keys.example:8443: credentials_in_url')
  expect(() => parseOutgoingUrl('hidden text', guarded)).toThrow('a URL: malformed_url')
})
