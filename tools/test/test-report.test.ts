import { describe, expect, test } from 'vitest'
import { summarize } from '../src/test-report.ts'

const file = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((testStatus, index) => ({ fullName: `test ${index}`, status: testStatus })),
})
const summary = (report: unknown, succeeded = true) => summarize(report, succeeded).line
const report = (...files: ReturnType<typeof file>[]) => ({ numPassedTests: 0, testResults: files })

describe('summarize', () => {
  test('counts passed, failed and skipped tests over all files', () => {
    const files = [file('passed', 'passed', 'pending'), file('failed', 'passed', 'failed', 'todo')]
    expect(summary(report(...files), false)).toBe('2 passed, 1 failed, 2 skipped')
  })

  test('leaves skipped out where there are none', () => {
    expect(summary(report(file('passed', 'passed')))).toBe('1 passed, 0 failed')
  })

  test('counts a file that could not be loaded as failed', () => {
    expect(summary(report(file('passed', 'passed'), file('failed')))).toBe('1 passed, 1 failed')
  })

  test('counts an error outside of every test', () => {
    expect(summary(report(file('passed', 'passed')), false)).toBe('1 passed, 1 failed')
  })

  test('names what was skipped', () => {
    expect(summarize(report(file('passed', 'passed', 'skipped')), true).skippedTests).toEqual(['test 1'])
  })

  test('counts a run without tests as failed', () => {
    expect(summary(report())).toBe('0 passed, 1 failed')
  })

  test('counts a report that is none as failed', () => {
    expect(summary(undefined)).toBe('0 passed, 1 failed')
    expect(summary({ testResults: 'x' })).toBe('0 passed, 1 failed')
  })
})
