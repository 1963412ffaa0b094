import { describe, expect, test } from 'vitest'
import type { TokenSource } from '../../src/config/schema/token-source.ts'
import { createResourceMetadata } from '../../src/steps/resource-metadata.ts'

const metadata = (resource: string, token_from: TokenSource[] = [{ header: 'authorization' }]) =>
  createResourceMetadata({
    config: { resource },
    issuers: ['https://id.example'],
    policy: { token_from, sender_constraint: 'none' },
  })

describe('the metadata of a resource', () => {
  test.each([
    ['https://api.example.com', ''],
    ['https://api.example.com/', ''],
    ['https://api.example.com/orders', '/orders'],
    ['https://api.example.com/orders/?tenant=1', '/orders/?tenant=1'],
  ])('of %s is where RFC 9728 section 3.1 says', (resource, rest) => {
    const { url, document } = metadata(resource)
    expect(url).toBe(`https://api.example.com/.well-known/oauth-protected-resource${rest}`)
    expect(document.resource).toBe(resource)
  })

  test.each<[TokenSource[], string[]]>([
    [[{ header: 'Authorization' }], ['header']],
    [[{ header: 'x-token' }, { cookie: 'access_token' }], []],
    [
      [{ query: 'access_token' }, { form: 'access_token' }],
      ['body', 'query'],
    ],
    [[{ query: 'token' }, { form: 'token' }], []],
  ])('tells the ways of RFC 6750 among %j', (sources, methods) => {
    expect(metadata('https://api.example.com', sources).document.bearer_methods_supported).toEqual(methods)
  })
})
