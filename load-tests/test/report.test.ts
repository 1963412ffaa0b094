import { describe, expect, test } from 'vitest'
import type { Measurement } from '../src/measure.ts'
import { misses, renderTable, summarizeAll } from '../src/report.ts'
import type { Measured } from '../src/rounds.ts'

const measured = (name: string, rounds: readonly Partial<Measurement>[], extra: object = {}): Measured => ({
  scenario: { name, prepare: () => Promise.reject(new Error('not asked')), ...extra },
  measurements: rounds.map((round) => ({
    requestsPerSecond: 1_000,
    p50: 1,
    p99: 2,
    cpuPerRequest: 10,
    busy: 1,
    ...round,
  })),
})
const emptyRoute = measured('empty-route', [{}], { baseline: true })

describe('summarizeAll', () => {
  test('takes the median of the rounds, so that one disturbed round does not count', () => {
    const disturbed = [{ requestsPerSecond: 600 }, { requestsPerSecond: 10 }, { requestsPerSecond: 700 }]
    const [, result] = summarizeAll([emptyRoute, measured('a', disturbed)])
    expect(result?.requestsPerSecond).toBe(600)
    expect(result?.ratio).toBeCloseTo(0.6)
  })

  test('compares processor time the other way round: less is better', () => {
    const [, result] = summarizeAll([emptyRoute, measured('a', [{ cpuPerRequest: 20 }])])
    expect(result?.cpuRatio).toBeCloseTo(0.5)
  })

  test('refuses to compare with nothing', () => {
    expect(() => summarizeAll([measured('a', [{}])])).toThrow('no baseline')
  })
})

describe('misses', () => {
  test.each([
    ['both ratios reach it', { requestsPerSecond: 700, cpuPerRequest: 12 }, false],
    ['throughput does not', { requestsPerSecond: 500, cpuPerRequest: 12 }, true],
    ['throughput does, but processor time does not', { requestsPerSecond: 1_000, cpuPerRequest: 20 }, true],
    ['processor time is not known', { requestsPerSecond: 700, cpuPerRequest: undefined }, false],
  ])('%s', (_case, round, expected) => {
    const [, result] = summarizeAll([emptyRoute, measured('a', [round], { bar: 0.6 })])
    expect(result && misses(result)).toBe(expected)
  })
})

describe('renderTable', () => {
  test('marks a server that was not busy', () => {
    expect(renderTable(summarizeAll([measured('empty-route', [{ busy: 0.5 }], { baseline: true })]))).toContain('50% *')
    expect(renderTable(summarizeAll([emptyRoute]))).not.toContain('*')
  })
})
