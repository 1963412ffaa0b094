import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../src/remote/sha256.ts'
import type { Caller } from '../../../src/remote/upstream-grants/grant.ts'
import { tokenExchange } from '../../../src/remote/upstream-grants/token-exchange.ts'
import { type CallerTokensOptions, createCallerTokens } from '../../../src/remote/upstream-tokens/caller-tokens.ts'

/** An issuer that exchanges whatever it is given, unless it is told to fail. */
function setUp({ maxCallers = 10, fail = () => false }: { maxCallers?: number; fail?: () => boolean } = {}) {
  let time = 1_000_000
  const exchanged: string[] = []
  const fetch: CallerTokensOptions['fetch'] = async ({ parameters }) => {
    const { subject_token: token = '' } = Object.fromEntries(await parameters())
    exchanged.push(token)
    if (fail()) throw new Error('down')
    const accessToken = `for-${token}-${exchanged.length}`
    return { accessToken, scheme: 'Bearer', expiresIn: 100, refreshToken: undefined }
  }
  const grant = tokenExchange({
    subjectTokenType: 'type',
    requestedTokenType: undefined,
    actorTokens: undefined,
    maxCallers,
  })
  const tokens = createCallerTokens({ grant, fetch, purgeIntervalMs: 10_000, now: () => time, random: () => 0 })
  return {
    tokens,
    exchanged,
    advance: (seconds: number) => {
      time += seconds * 1_000
    },
    caller: (token: string, seconds = 300): Caller => ({ token, claims: {}, expiresAt: time + seconds * 1_000 }),
  }
}

describe('tokens on behalf of callers', () => {
  test('are exchanged once for each, however many wait', async () => {
    const { tokens, exchanged, caller } = setUp()
    const all = Array.from({ length: 1_000 }, (_, index) => tokens.of(caller(`caller-${index % 2}`)).get())
    const got = new Set((await Promise.all(all)).map(({ accessToken }) => accessToken))
    expect(exchanged).toEqual(['caller-0', 'caller-1'])
    expect(got.size).toBe(2)
    expect(tokens.of(caller('caller-0')).current()?.headerValue).toBe('Bearer for-caller-0-1')
  })

  test('outlive neither themselves nor what they were exchanged for', async () => {
    const { tokens, caller, advance, exchanged } = setUp()
    const [short, long] = [tokens.of(caller('short', 30)), tokens.of(caller('long', 300))]
    await Promise.all([short.get(), long.get()])
    advance(29.9)
    expect(short.current()).toBeDefined()
    advance(0.1)
    expect(short.current()).toBeUndefined()
    await expect(short.get()).rejects.toThrow('expired on its way')
    advance(65)
    expect(long.current()).toBeUndefined()
    expect(exchanged.filter((token) => token === 'long')).toHaveLength(1)
  })

  test('live as long as what they stand on is known to, by the last word', async () => {
    const { tokens, caller, advance, exchanged } = setUp()
    await tokens.of(caller('a', 30)).get()
    advance(40)
    // Nobody knew more of an opaque token than that it would do for a moment, and it still does.
    expect((await tokens.of(caller('a', 30)).get()).accessToken).toBe('for-a-2')
    advance(29.9)
    const first = tokens.of(caller('a', 300))
    expect(first.current()?.accessToken).toBe('for-a-2')
    advance(0.1)
    expect((await first.get()).accessToken).toBe('for-a-3')
    advance(50)
    expect(first.current()?.accessToken).toBe('for-a-3')
    expect(exchanged).toHaveLength(3)
  })

  test('are exchanged anew ahead of their expiry, when they are used', async () => {
    const { tokens, caller, advance, exchanged } = setUp()
    const source = tokens.of(caller('a'))
    await source.get()
    advance(80)
    expect(source.current()?.accessToken).toBe('for-a-1')
    await new Promise((resolve) => setImmediate(resolve))
    expect(source.current()?.accessToken).toBe('for-a-2')
    expect(exchanged).toHaveLength(2)
  })

  test('are kept for the last callers only', async () => {
    const { tokens, caller, exchanged } = setUp({ maxCallers: 2 })
    const first = tokens.of(caller('a'))
    const { accessToken } = await first.get()
    for (const token of ['b', 'c']) await tokens.of(caller(token)).get()
    expect(tokens.size).toBe(2)
    expect(first.current()).toBeUndefined()
    expect(tokens.purge(sha256(accessToken))).toBe('not_current')
    await first.get()
    expect(exchanged).toEqual(['a', 'b', 'c', 'a'])
  })

  test('can be purged for all the callers that are kept, however often others were renewed', async () => {
    const { tokens, caller, advance } = setUp({ maxCallers: 2 })
    const seldom = await tokens.of(caller('seldom')).get()
    const often = tokens.of(caller('often'))
    await often.get()
    for (const _round of [1, 2]) {
      advance(30)
      expect(tokens.purge(sha256((await often.get()).accessToken))).toBe('purged')
      await often.get()
    }
    expect(tokens.purge(sha256(seldom.accessToken))).toBe('purged')
  })

  test('that fail for one caller are there for the others, and not asked for all the time', async () => {
    const failing = new Set(['bad'])
    let asking = ''
    const { tokens, caller, exchanged } = setUp({ fail: () => failing.has(asking) })
    const get = (token: string) => {
      asking = token
      return tokens.of(caller(token)).get()
    }
    for (let times = 0; times < 20; times++) await expect(get('bad')).rejects.toThrow()
    expect(exchanged).toHaveLength(1)
    await get('good')
  })

  test('are purged by the one that was refused, and only that', async () => {
    const { tokens, caller, exchanged } = setUp()
    const [a, b] = [tokens.of(caller('a')), tokens.of(caller('b'))]
    const [refused] = await Promise.all([a.get(), b.get()])
    expect(tokens.purge(sha256('never issued'))).toBe('not_current')
    const outcomes = Array.from({ length: 1_000 }, () => tokens.purge(sha256(refused.accessToken)))
    expect(outcomes.filter((outcome) => outcome === 'purged')).toHaveLength(1)
    const next = await a.get()
    expect(next.accessToken).not.toBe(refused.accessToken)
    expect(tokens.purge(sha256(next.accessToken))).toBe('too_soon')
    expect(exchanged).toEqual(['a', 'b', 'a'])
  })
})
