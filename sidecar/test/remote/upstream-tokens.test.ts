import { describe, expect, test } from 'vitest'
import type { FetchedToken } from '../../src/remote/token-endpoint.ts'
import { createUpstreamTokens } from '../../src/remote/upstream-tokens.ts'

/** A token endpoint that answers when the test says so. */
function setUp(expiresIn = 100) {
  let time = 1_000_000
  const requests: PromiseWithResolvers<FetchedToken>[] = []
  const tokens = createUpstreamTokens(
    () => {
      const request = Promise.withResolvers<FetchedToken>()
      requests.push(request)
      return request.promise
    },
    () => time,
    () => 0,
  )
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    tokens,
    requests,
    advance: (seconds: number) => {
      time += seconds * 1_000
    },
    async answer(accessToken: string) {
      requests.at(-1)?.resolve({ accessToken, expiresIn })
      await settle()
    },
    async fail() {
      requests.at(-1)?.reject(new Error('down'))
      await settle()
    },
  }
}

async function withToken(expiresIn?: number) {
  const bench = setUp(expiresIn)
  const first = bench.tokens.get()
  await bench.answer('first')
  await first
  return bench
}

describe('upstream tokens', () => {
  test('are fetched when first needed, once for all who wait', async () => {
    const { tokens, requests, answer } = setUp()
    expect(tokens.current()).toBeUndefined()
    expect(requests).toHaveLength(0)
    const waiting = [tokens.get(), tokens.get(), tokens.get()]
    await answer('first')
    expect((await Promise.all(waiting)).map(({ accessToken }) => accessToken)).toEqual(['first', 'first', 'first'])
    expect(requests).toHaveLength(1)
  })

  test('serve from memory until most of their lifetime has passed', async () => {
    const { tokens, requests, advance } = await withToken()
    advance(79)
    expect(tokens.current()?.accessToken).toBe('first')
    expect(requests).toHaveLength(1)
  })

  test('are then fetched anew, once, while the old one still serves', async () => {
    const { tokens, requests, advance, answer } = await withToken()
    advance(81)
    expect(tokens.current()?.accessToken).toBe('first')
    expect(tokens.current()?.accessToken).toBe('first')
    expect(requests).toHaveLength(2)
    await answer('second')
    expect(tokens.current()?.accessToken).toBe('second')
    expect(requests).toHaveLength(2)
  })

  test('serve until they expire where the token endpoint is down, which is asked once a second', async () => {
    const { tokens, requests, advance, fail } = await withToken()
    advance(81)
    tokens.current()
    await fail()
    expect(tokens.current()?.accessToken).toBe('first')
    expect(requests).toHaveLength(2)
    advance(1)
    expect(tokens.current()?.accessToken).toBe('first')
    expect(requests).toHaveLength(3)
    await fail()
    advance(18)
    expect(tokens.current()).toBeUndefined()
  })

  test('expire a little before the issuer says, for the way to the upstream', async () => {
    const { tokens, advance } = await withToken(100)
    advance(94.9)
    expect(tokens.current()).toBeDefined()
    advance(0.1)
    expect(tokens.current()).toBeUndefined()
  })

  test('that live shortly give up no more than a tenth', async () => {
    const { tokens, advance } = await withToken(10)
    advance(8.9)
    expect(tokens.current()).toBeDefined()
    advance(0.1)
    expect(tokens.current()).toBeUndefined()
  })

  test('that expired on their way are not used', async () => {
    const { tokens, answer, advance } = setUp(2)
    const waiting = tokens.get()
    advance(2)
    await Promise.all([expect(waiting).rejects.toThrow('expired on its way'), answer('late')])
    expect(tokens.current()).toBeUndefined()
  })

  test('that could not be fetched are an error for those who waited, and are asked for again by the next', async () => {
    const { tokens, requests, fail, answer } = setUp()
    const first = tokens.get()
    const refused = expect(first).rejects.toThrow('down')
    await fail()
    await refused
    const second = tokens.get()
    await answer('second')
    expect((await second).accessToken).toBe('second')
    expect(requests).toHaveLength(2)
  })
})
