import type { Decision } from '@postern/protocol/decision'
import { describe, expect, test } from 'vitest'
import { type AccessLine, createAccessLog } from '../../src/decider/access-log.ts'
import { unavailable, unknownPolicy } from '../../src/decider/refusals.ts'

const request = { method: 'GET', uri: '/orders?access_token=secret', headers: ['authorization', 'Bearer secret'] }
const allow: Decision = {
  decision: 'allow',
  remove_headers: ['authorization'],
  set_headers: { 'x-subject': 'alice', 'x-client': 'app', authorization: 'Bearer upstream-secret' },
  expires_at: 0,
}
const settings = { allow_share: 0, refusals_per_second: 2, identity_headers: [] as string[] }

function createBench(changes: Partial<typeof settings> = {}) {
  const lines: AccessLine[] = []
  let time = 1_000_000
  const log = createAccessLog(
    { ...settings, ...changes },
    (line) => void lines.push(line),
    () => time,
  )
  return {
    lines,
    log: (decision: Decision, uri = request.uri) => log('main', { ...request, uri }, decision),
    advance: (ms: number) => {
      time += ms
    },
  }
}

test('a line is no longer for a path that is', () => {
  const { lines, log } = createBench()
  log(unknownPolicy, `/${'a'.repeat(10_000)}?b`)
  expect(lines.map(({ path }) => path)).toEqual([`/${'a'.repeat(511)}`])
})

describe('requests that were refused', () => {
  test('have lines up to so many a second; the next one says how many have none', () => {
    const { lines, log, advance } = createBench()
    for (let times = 0; times < 100; times++) log(unknownPolicy)
    expect(lines).toHaveLength(2)
    advance(1_000)
    log(unavailable)
    expect(lines.at(-1)).toMatchObject({ decision: 'unavailable', status: 503, left_out: 98 })
    log(unknownPolicy)
    expect(lines.at(-1)).not.toHaveProperty('left_out')
  })
})

describe('requests that were let through', () => {
  test('have a line for the configured share of them', () => {
    const { lines, log } = createBench({ allow_share: 0.01 })
    for (let times = 0; times < 1_000; times++) log(allow)
    expect(lines.length).toBeGreaterThanOrEqual(9)
    expect(lines.length).toBeLessThanOrEqual(10)
  })

  test('tell of the identity what the operator chose', () => {
    const { lines, log } = createBench({ allow_share: 1, identity_headers: ['X-Subject'] })
    log(allow)
    expect(lines).toEqual([
      { policy: 'main', method: 'GET', path: '/orders', decision: 'allow', identity: { 'x-subject': 'alice' } },
    ])
  })
})

test('no line holds a token or a query', () => {
  const { lines, log } = createBench({ allow_share: 1, refusals_per_second: 100 })
  for (const decision of [allow, unavailable, unknownPolicy]) log(decision)
  expect(lines).toHaveLength(3)
  expect(JSON.stringify(lines)).not.toContain('secret')
})
