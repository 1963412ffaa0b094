import { afterEach, describe, expect, test } from 'vitest'
import { createDependency, type Dependency } from '../../src/remote/calls/dependency.ts'
import type { HttpAnswer } from '../../src/remote/calls/http-client.ts'
import { createMetadata } from '../../src/remote/metadata.ts'

const dependencies: Dependency[] = []

afterEach(() => {
  for (const { close } of dependencies.splice(0)) close()
})

/** An issuer that answers when the test says so. */
function setUp(issuer = 'https://issuer.example') {
  let time = 1_000_000
  const urls: string[] = []
  const requests: PromiseWithResolvers<HttpAnswer>[] = []
  const http = {
    send({ url }: { url: string }) {
      urls.push(url)
      const request = Promise.withResolvers<HttpAnswer>()
      requests.push(request)
      return request.promise
    },
    close: async () => undefined,
  }
  const dependency = createDependency('metadata')
  dependencies.push(dependency)
  const find = createMetadata({ issuer, timeoutMs: 100, http, dependency, now: () => time })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    find: () => find('jwks_uri'),
    findToken: (withCertificate: boolean) => find('token_endpoint', withCertificate),
    urls,
    advance: (seconds: number) => {
      time += seconds * 1_000
    },
    async answer(path: string, more: object = {}) {
      requests.at(-1)?.resolve({ status: 200, json: { issuer, jwks_uri: `https://issuer.example${path}`, ...more } })
      await settle()
    },
    /** As `answer`, of another status. */
    async refuse(status: number) {
      requests.at(-1)?.resolve({ status, json: { issuer, jwks_uri: 'https://issuer.example/jwks' } })
      await settle()
    },
    async fail() {
      requests.at(-1)?.reject(new Error('down'))
      await settle()
    },
  }
}

async function withMetadata() {
  const bench = setUp()
  const first = bench.find()
  await bench.answer('/first')
  expect(await first).toBe('https://issuer.example/first')
  return bench
}

describe('the metadata of an issuer', () => {
  test.each([
    ['https://issuer.example', 'https://issuer.example/.well-known/openid-configuration'],
    ['https://issuer.example/tenant', 'https://issuer.example/tenant/.well-known/openid-configuration'],
    ['https://issuer.example/', 'https://issuer.example/.well-known/openid-configuration'],
    ['https://issuer.example/tenant/', 'https://issuer.example/tenant/.well-known/openid-configuration'],
  ])('of %s is at %s', async (issuer, expected) => {
    const { find, urls, answer } = setUp(issuer)
    const found = find()
    await answer('/jwks')
    expect(await found).toBe('https://issuer.example/jwks')
    expect(urls).toEqual([expected])
  })

  test('is read once for all who wait, and serves for ten minutes', async () => {
    const { find, urls, advance, answer } = setUp()
    const waiting = [find(), find()]
    await answer('/first')
    expect(await Promise.all(waiting)).toEqual(['https://issuer.example/first', 'https://issuer.example/first'])
    advance(600)
    await find()
    expect(urls).toHaveLength(1)
  })

  test('is then read anew, once, and nobody waits for that', async () => {
    const { find, urls, advance, answer } = await withMetadata()
    advance(601)
    expect(await find()).toBe('https://issuer.example/first')
    expect(await find()).toBe('https://issuer.example/first')
    expect(urls).toHaveLength(2)
    await answer('/second')
    expect(await find()).toBe('https://issuer.example/second')
    expect(urls).toHaveLength(2)
  })

  test('serves for a day while it cannot be read, then no longer', async () => {
    const { find, advance, fail } = await withMetadata()
    advance(86_400)
    expect(await find()).toBe('https://issuer.example/first')
    await fail()
    expect(await find()).toBe('https://issuer.example/first')
    await fail()
    advance(1)
    const refused = expect(find()).rejects.toThrow('metadata: Error')
    await fail()
    await refused
  })

  test('is read anew where the clock was set back, whose time says nothing of its age', async () => {
    const { find, urls, advance, answer } = await withMetadata()
    advance(-86_401)
    const found = find()
    expect(urls).toHaveLength(2)
    await answer('/second')
    expect(await found).toBe('https://issuer.example/second')
  })

  test.each<[what: string, more: object]>([
    ["is another issuer's", { issuer: 'https://other.example' }],
    ['is that of the issuer with a slash', { issuer: 'https://issuer.example/' }],
    ['names plain http', { jwks_uri: 'http://issuer.example/jwks' }],
    ['names no address', { jwks_uri: '/jwks' }],
    ['names another kind of address', { jwks_uri: 'file:///etc/passwd' }],
    ['names nothing', { jwks_uri: undefined }],
    ['names a number', { jwks_uri: 1 }],
  ])('is not believed where it %s', async (_what, more) => {
    const { find, answer } = setUp()
    const refused = expect(find()).rejects.toThrow('metadata')
    await answer('/jwks', more)
    await refused
  })

  test('of plain http may stay there, and go nowhere else', async () => {
    const local = setUp('http://127.0.0.1:9000')
    const found = local.find()
    await local.answer('', { jwks_uri: 'http://127.0.0.1:9000/jwks' })
    expect(await found).toBe('http://127.0.0.1:9000/jwks')
    const moved = setUp('http://127.0.0.1:9000')
    const refused = expect(moved.find()).rejects.toThrow('unsafe')
    await moved.answer('', { jwks_uri: 'http://127.0.0.1:9001/jwks' })
    await refused
  })

  test('is not what an error says', async () => {
    const { find, refuse } = setUp()
    const refused = expect(find()).rejects.toThrow('status 500')
    await refuse(500)
    await refused
  })

  test('names another address for connections with a certificate, where it has one', async () => {
    const { findToken, answer } = setUp()
    const found = findToken(true)
    await answer('/jwks', {
      token_endpoint: 'https://issuer.example/token',
      mtls_endpoint_aliases: { token_endpoint: 'https://mtls.issuer.example/token' },
    })
    expect(await found).toBe('https://mtls.issuer.example/token')
    expect(await findToken(false)).toBe('https://issuer.example/token')
  })
})
