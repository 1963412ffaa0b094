import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../src/remote/sha256.ts'
import type { FetchedToken } from '../../../src/remote/upstream-grants/token-response.ts'
import { createUpstreamTokens } from '../../../src/remote/upstream-tokens/upstream-tokens.ts'

interface Options {
  /** Seconds, from the beginning. */
  notAfter?: number
  /** Seconds. */
  idle?: number
  random?: number
}

/** A token endpoint that answers when the test says so. */
function setUp(expiresIn = 100, { notAfter, idle = 3_600, random = 0 }: Options = {}) {
  let time = 1_000_000
  const requests: PromiseWithResolvers<FetchedToken>[] = []
  const failures: unknown[] = []
  const tokens = createUpstreamTokens({
    fetch() {
      const request = Promise.withResolvers<FetchedToken>()
      requests.push(request)
      return request.promise
    },
    ...(notAfter !== undefined && { notAfter: () => 1_000_000 + notAfter * 1_000 }),
    idleMs: idle * 1_000,
    purgeIntervalMs: 10_000,
    now: () => time,
    random: () => random,
    onFailure: (error) => void failures.push(error),
  })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    tokens,
    requests,
    failures,
    advance: (seconds: number) => {
      time += seconds * 1_000
    },
    async answer(accessToken: string) {
      requests.at(-1)?.resolve({ accessToken, scheme: 'Bearer', expiresIn, refreshToken: undefined })
      await settle()
    },
    async fail() {
      requests.at(-1)?.reject(new Error('down'))
      await settle()
    },
  }
}

async function withToken(expiresIn?: number, more: Options = {}) {
  const bench = setUp(expiresIn, more)
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

  test('serve until they expire where the token endpoint is down, which is asked again a little later', async () => {
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
    const { tokens, answer, advance } = setUp(10)
    const waiting = tokens.get()
    advance(9)
    await Promise.all([expect(waiting).rejects.toThrow('expired on its way'), answer('late')])
    expect(tokens.current()).toBeUndefined()
  })

  test('that could not be fetched are an error for those who wait, and those who come half a second later ask again', async () => {
    const { tokens, requests, advance, fail, answer } = setUp()
    const first = tokens.get()
    const refused = expect(first).rejects.toThrow('down')
    await fail()
    await refused
    await expect(tokens.get()).rejects.toThrow('a moment ago')
    expect(requests).toHaveLength(1)
    advance(0.5)
    const second = tokens.get()
    await answer('second')
    expect((await second).accessToken).toBe('second')
    expect(requests).toHaveLength(2)
  })

  test('may not be used beyond what they stand on', async () => {
    const { tokens, advance } = await withToken(100, { notAfter: 20 })
    advance(19.9)
    expect(tokens.current()).toBeDefined()
    advance(0.1)
    expect(tokens.current()).toBeUndefined()
  })
})

test('looking at a token is no use of it, and fetches nothing', async () => {
  const { tokens, requests, advance } = await withToken(100, { idle: 50 })
  advance(81)
  expect(tokens.peek()?.accessToken).toBe('first')
  tokens.refreshIfDue()
  expect(requests).toHaveLength(1)
  advance(14)
  expect(tokens.peek()).toBeUndefined()
})

test('many sidecars do not ask at the same time', async () => {
  const random = 0.999_999
  const { tokens, requests, advance, answer } = await withToken(100, { random })
  advance(70.1)
  tokens.current()
  expect(requests).toHaveLength(2)
  await answer('second')
  expect(tokens.purge(sha256('second'))).toBe('purged')
  await answer('third')
  advance(14.9)
  expect(tokens.purge(sha256('third'))).toBe('too_soon')
  advance(0.1)
  expect(tokens.purge(sha256('third'))).toBe('purged')
  const failing = setUp(100, { random })
  const first = expect(failing.tokens.get()).rejects.toThrow('down')
  await failing.fail()
  await first
  failing.advance(0.9)
  failing.tokens.refreshIfDue()
  await expect(failing.tokens.get()).rejects.toThrow('a moment ago')
  expect(failing.requests).toHaveLength(1)
  failing.advance(0.1)
  failing.tokens.refreshIfDue()
  expect(failing.requests).toHaveLength(2)
})

describe('a clock that is set back', () => {
  test('has the token fetched anew, whose age nobody knows any more', async () => {
    const { tokens, requests, advance, answer } = await withToken()
    advance(-3_600)
    expect(tokens.current()?.accessToken).toBe('first')
    expect(requests).toHaveLength(2)
    await answer('second')
    advance(79)
    expect(tokens.current()?.accessToken).toBe('second')
    expect(requests).toHaveLength(2)
  })

  test('makes neither a failure nor the time between two purges last', async () => {
    const { tokens, requests, advance, fail, answer } = setUp()
    const first = expect(tokens.get()).rejects.toThrow('down')
    await fail()
    await first
    advance(-3_600)
    const second = tokens.get()
    await answer('second')
    await second
    expect(tokens.purge(sha256('second'))).toBe('purged')
    await answer('third')
    advance(-3_600)
    expect(tokens.purge(sha256('third'))).toBe('purged')
    expect(requests).toHaveLength(4)
  })
})

describe('in the background, upstream tokens', () => {
  test('are fetched anew though nobody asks, while the last use is not long ago', async () => {
    const { tokens, requests, advance, answer } = await withToken(100, { idle: 200 })
    advance(79)
    tokens.refreshIfDue()
    expect(requests).toHaveLength(1)
    advance(1)
    tokens.refreshIfDue()
    tokens.refreshIfDue()
    expect(requests).toHaveLength(2)
    await answer('second')
    advance(81)
    tokens.refreshIfDue()
    expect(requests).toHaveLength(3)
    await answer('third')
    advance(81)
    tokens.refreshIfDue()
    expect(requests).toHaveLength(3)
    expect(tokens.current()?.accessToken).toBe('third')
  })

  test('are not fetched any more once the last use is so long ago', async () => {
    const { tokens, requests, advance } = await withToken(100, { idle: 80 })
    advance(80)
    tokens.refreshIfDue()
    expect(requests).toHaveLength(1)
  })

  test('are not fetched before anybody asked', () => {
    const { tokens, requests } = setUp()
    tokens.refreshIfDue()
    expect(requests).toHaveLength(0)
  })

  test('are tried for again less and less often, also once they have expired', async () => {
    const { tokens, requests, failures, advance, fail, answer } = await withToken()
    advance(80)
    const attempts: number[] = []
    for (let tenths = 0; tenths < 1_200; tenths++) {
      const before = requests.length
      tokens.refreshIfDue()
      if (requests.length > before) {
        attempts.push(tenths / 10)
        await fail()
      }
      advance(0.1)
    }
    expect(attempts.map((at) => Math.round(at))).toEqual([0, 1, 2, 4, 8, 16, 31, 46, 61, 76, 91, 106])
    expect(failures).toHaveLength(attempts.length)
    expect(tokens.current()).toBeUndefined()
    advance(15)
    tokens.refreshIfDue()
    await answer('at last')
    expect(tokens.current()?.accessToken).toBe('at last')
    // The next time counts as the first again.
    advance(81)
    tokens.refreshIfDue()
    await fail()
    advance(1)
    const before = requests.length
    tokens.refreshIfDue()
    expect(requests).toHaveLength(before + 1)
  })
})

describe('a token that is doubted', () => {
  test('serves on while another is fetched', async () => {
    const { tokens, requests, advance, answer } = await withToken()
    advance(10)
    for (const _time of [1, 2]) tokens.doubt()
    expect(tokens.current()?.accessToken).toBe('first')
    tokens.doubt()
    expect(tokens.current()?.accessToken).toBe('first')
    expect(requests).toHaveLength(2)
    await answer('second')
    expect(tokens.current()?.accessToken).toBe('second')
  })

  test('is the same where it came a moment ago, and where there is none', async () => {
    const { tokens, requests, advance } = await withToken()
    advance(9.9)
    tokens.doubt()
    tokens.current()
    expect(requests).toHaveLength(1)
    setUp().tokens.doubt()
  })
})

describe('a token that an upstream refused', () => {
  test('is fetched anew at once, once for a thousand that say so', async () => {
    const { tokens, requests, answer } = await withToken()
    const outcomes = Array.from({ length: 1_000 }, () => tokens.purge(sha256('first')))
    expect(outcomes.filter((outcome) => outcome === 'purged')).toHaveLength(1)
    expect(new Set(outcomes)).toEqual(new Set(['purged', 'not_current']))
    expect(requests).toHaveLength(2)
    expect(tokens.current()).toBeUndefined()
    const waiting = tokens.get()
    await answer('second')
    expect((await waiting).accessToken).toBe('second')
    expect(tokens.purge(sha256('first'))).toBe('not_current')
    expect(requests).toHaveLength(2)
  })

  test('stays where it came in place of another a moment ago', async () => {
    const { tokens, requests, advance, answer } = await withToken()
    expect(tokens.purge(sha256('first'))).toBe('purged')
    await answer('second')
    advance(9.9)
    expect(tokens.purge(sha256('second'))).toBe('too_soon')
    expect(tokens.current()?.accessToken).toBe('second')
    advance(0.1)
    expect(tokens.purge(sha256('second'))).toBe('purged')
    expect(requests).toHaveLength(3)
  })

  test('is not used any more, also where no other can be had', async () => {
    const { tokens, failures, fail } = await withToken()
    tokens.purge(sha256('first'))
    await fail()
    expect(failures).toHaveLength(1)
    await expect(tokens.get()).rejects.toThrow('a moment ago')
  })

  test('is waited for where another is on its way, though one could not be had a moment ago', async () => {
    const { tokens, requests, advance, fail, answer } = await withToken()
    advance(81)
    tokens.current()
    await fail()
    expect(tokens.purge(sha256('first'))).toBe('purged')
    const waiting = tokens.get()
    await answer('second')
    expect((await waiting).accessToken).toBe('second')
    expect(requests).toHaveLength(3)
  })

  test('that the issuer gives again is the same: the time between two purges holds', async () => {
    const { tokens, requests, answer } = await withToken()
    tokens.purge(sha256('first'))
    await answer('first')
    expect(tokens.purge(sha256('first'))).toBe('too_soon')
    expect(requests).toHaveLength(2)
  })
})
