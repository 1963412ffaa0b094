import { normalizeHttpUri } from '@postern/protocol/dpop'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { uriFromGateway, urisAtOrigins } from '../../../src/steps/sender-constraint/request-uri.ts'

const request = (uri: string, told = {}) => ({ method: 'GET', uri, headers: [], ...told })

describe('the URI of a request', () => {
  test('is that of each fixed origin, without its query', () => {
    const urisOf = urisAtOrigins(['https://a.example', 'https://b.example:8443'])
    expect(urisOf(request('/x/?y=/z'))).toEqual(['https://a.example/x/', 'https://b.example:8443/x/'])
  })

  test('is known whatever stands in its query', () => {
    expect(urisAtOrigins(['https://a.example'])(request('/x?y="z"|é'))).toEqual(['https://a.example/x'])
    expect(urisAtOrigins(['https://a.example'])(request('/x"'))).toEqual([])
  })

  test('never leaves its origin, whatever the request says', () => {
    const urisOf = urisAtOrigins(['https://a.example'])
    const text = fc.string({ unit: fc.constantFrom('/', '@', ':', '.', '%', '2', 'f', '\\', '?', '#', 'b', ' ', '[') })
    fc.assert(
      fc.property(text, (uri) => {
        for (const normalized of urisOf(request(uri))) expect(new URL(normalized).origin).toBe('https://a.example')
      }),
      { numRuns: 2_000 },
    )
  })

  test('from the gateway is of the host that it tells, or of none', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '.', ':', '8', '/', '@', '?', '#', ',', ' ', '[', ']', '\\', '%'),
    })
    fc.assert(
      fc.property(text, text, (authority, path) => {
        for (const uri of uriFromGateway(request(`/${path}`, { scheme: 'https', authority }))) {
          expect(uri).toBe(normalizeHttpUri(`https://${authority}/${path.split('?')[0]}`))
          expect(authority).not.toMatch(/[/@?#, \\]/)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['https', 'api.example.com', 'https://api.example.com/a'],
    ['HTTPS', 'API.example.com:443', 'https://api.example.com/a'],
    ['http', '127.0.0.1:8080', 'http://127.0.0.1:8080/a'],
    ['https', '[::1]:8443', 'https://[::1]:8443/a'],
  ])('from the gateway: %s and %s', (scheme, authority, uri) => {
    expect(uriFromGateway(request('/a?b', { scheme, authority }))).toEqual([uri])
  })
})
