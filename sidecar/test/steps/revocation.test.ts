import { describe, expect, test } from 'vitest'
import { Refusal } from '../../src/failures.ts'
import type { RevocationFeed } from '../../src/remote/revocations/revocation-feed.ts'
import { createCheckRevocation, type KnownToken, revocableClaims } from '../../src/steps/revocation.ts'

/** The feed of one issuer, which says what the test wants. */
function setUp({ withinMs }: { withinMs?: number } = {}) {
  const said = { synced: true, answeredAt: 1_000_000 as number | undefined, state: 1, revoked: false, asked: 0 }
  let time = 1_000_000
  const feed: RevocationFeed = {
    isRevoked() {
      said.asked += 1
      return said.revoked
    },
    state: () => said.state,
    synced: () => said.synced,
    answeredAt: () => said.answeredAt,
    lags: { count: 0, lastMs: undefined },
    start: () => undefined,
    close: async () => undefined,
  }
  const check = createCheckRevocation({ feeds: new Map([['company', feed]]), withinMs, now: () => time })
  const token = (issuer = 'company'): KnownToken => ({ issuer, revocable: revocableClaims({ jti: 'a' }), inForceAt: 0 })
  return {
    check,
    said,
    token,
    at: (ms: number) => {
      time = ms
    },
  }
}

describe('whether a token is revoked', () => {
  test('is not known before the feed knows, and of no concern where the issuer has none', () => {
    const { check, said, token } = setUp()
    said.synced = false
    expect(check(token())).toBe('unknown')
    expect(check(token('other'))).toBe('in_force')
    said.synced = true
    expect(check(token())).toBe('in_force')
    expect(createCheckRevocation({ feeds: new Map(), withinMs: 1, now: () => 0 })(token())).toBe('in_force')
  })

  test('is looked up once until more is revoked, and then by all', () => {
    const { check, said, token } = setUp()
    const held = token()
    for (const _use of [1, 2, 3]) expect(check(held)).toBe('in_force')
    expect(said.asked).toBe(1)
    Object.assign(said, { state: 2, revoked: true })
    for (const _use of [1, 2]) expect(check(held)).toBe('revoked')
    expect(said.asked).toBe(3)
  })

  test('is not known where the policy wants more recent news, in whichever direction the clock is off', () => {
    const { check, said, token, at } = setUp({ withinMs: 5_000 })
    for (const ms of [1_005_000, 995_000]) {
      at(ms)
      expect(check(token()), String(ms)).toBe('in_force')
    }
    for (const ms of [1_005_001, 994_999]) {
      at(ms)
      expect(check(token()), String(ms)).toBe('unknown')
    }
    at(1_000_000)
    said.answeredAt = undefined
    expect(check(token())).toBe('unknown')
  })
})

describe('what a feed can name a token by', () => {
  test('is told', () => {
    expect(revocableClaims({ jti: 'a', sub: 'b', client_id: 'c', grant_id: 'd', iat: 1, more: 2 }, 'k')).toEqual({
      jti: 'a',
      sub: 'b',
      client_id: 'c',
      grant_id: 'd',
      iat: 1,
      kid: 'k',
    })
  })

  test.each([
    [{}, undefined],
    [{ jti: '' }, undefined],
    [{ jti: 1 }, undefined],
    [{ jti: 'a' }, ''],
    [{ jti: 'a', sub: null }, undefined],
    [{ jti: 'a', client_id: ['b'] }, undefined],
    [{ jti: 'a', grant_id: 1 }, undefined],
  ])('is refused where it could not be revoked: %j', (claims, kid) => {
    expect(() => revocableClaims(claims, kid)).toThrow(Refusal)
  })
})
