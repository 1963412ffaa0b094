import { describe, expect, test } from 'vitest'
import type { Measurement } from '../src/measure.ts'
import { misses, renderResults, summarizeAll } from '../src/report.ts'
import type { Measured } from '../src/rounds.ts'
import type { Scenario } from '../src/scenarios/scenario.ts'

const measured = (name: string, rounds: readonly Partial<Measurement>[], extra: Partial<Scenario> = {}): Measured => ({
  scenario: { name, prepare: () => Promise.reject(new Error('not asked')), ...extra },
  measurements: rounds.map((round) => ({
    requestsPerSecond: 1_000,
    p50: 1,
    p99: 2,
    cpuPerRequest: 10,
    busy: 1,
    memory: 100,
    ...round,
  })),
})
const emptyRoute = measured('empty-route', [{}])
const against = emptyRoute.scenario

describe('summarizeAll', () => {
  test('takes the median of the rounds, so that one disturbed round does not count', () => {
    const disturbed = [{ requestsPerSecond: 600 }, { requestsPerSecond: 10 }, { requestsPerSecond: 700 }]
    const calm = measured('empty-route', [{}, {}, {}])
    const [, result] = summarizeAll([calm, measured('a', disturbed, { against: calm.scenario })])
    expect(result?.requestsPerSecond).toBe(600)
    expect(result?.comparison?.ratio).toBeCloseTo(0.6)
  })

  test('compares processor time the other way round: less is better', () => {
    const [, result] = summarizeAll([emptyRoute, measured('a', [{ cpuPerRequest: 20 }], { against })])
    expect(result?.comparison?.cpuRatio).toBeCloseTo(0.5)
  })

  test('compares within each round, since the machine may be slower in the next', () => {
    const peer = measured('peer', [
      { requestsPerSecond: 1_000 },
      { requestsPerSecond: 400 },
      { requestsPerSecond: 100 },
    ])
    const rounds = [{ requestsPerSecond: 900 }, { requestsPerSecond: 100 }, { requestsPerSecond: 95 }]
    const [, result] = summarizeAll([peer, measured('ours', rounds, { against: peer.scenario })])
    expect(result?.comparison?.ratio).toBeCloseTo(0.9)
  })

  test('compares each with its own', () => {
    const peer = measured('peer', [{ requestsPerSecond: 100 }])
    const ours = measured('ours', [{ requestsPerSecond: 300 }], { against: peer.scenario })
    const [, , result] = summarizeAll([emptyRoute, peer, ours])
    expect(result?.comparison).toMatchObject({ with: 'peer', ratio: 3 })
  })

  test('refuses to compare with what was not measured', () => {
    expect(() => summarizeAll([measured('a', [{}], { against })])).toThrow('empty-route, which was not measured')
  })
})

describe('misses', () => {
  test.each([
    ['both ratios reach it', { requestsPerSecond: 700, cpuPerRequest: 12 }, false],
    ['throughput does not', { requestsPerSecond: 500, cpuPerRequest: 12 }, true],
    ['throughput does, but processor time does not', { requestsPerSecond: 1_000, cpuPerRequest: 20 }, true],
    ['processor time is not known', { requestsPerSecond: 700, cpuPerRequest: undefined }, false],
  ])('%s', (_case, round, expected) => {
    const [, result] = summarizeAll([emptyRoute, measured('a', [round], { against, bar: 0.6 })])
    expect(result && misses(result)).toBe(expected)
  })
})

describe('renderResults', () => {
  test('marks a server that was not busy', () => {
    expect(renderResults(summarizeAll([measured('empty-route', [{ busy: 0.5 }])]))).toContain('50% *')
    expect(renderResults(summarizeAll([emptyRoute]))).not.toContain('*')
  })
})
