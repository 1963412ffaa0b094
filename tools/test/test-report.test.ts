import { describe, expect, test } from 'vitest'
import { summarize } from '../src/test-report.ts'

const file = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((testStatus, index) => ({ fullName: `test ${index}`, status: testStatus })),
})
const report = (...files: ReturnType<typeof file>[]) => ({ numPassedTests: 0, testResults: files })

describe('summarize', () => {
  test('counts passed, failed and skipped tests over all files', () => {
    const { line } = summarize(report(file('passed', 'passed', 'pending'), file('failed', 'passed', 'failed', 'todo')))
    expect(line).toBe('2 passed, 1 failed, 2 skipped')
  })

  test('leaves skipped out where there are none', () => {
    expect(summarize(report(file('passed', 'passed'))).line).toBe('1 passed, 0 failed')
  })

  test('counts a file that could not be loaded as failed', () => {
    expect(summarize(report(file('passed', 'passed'), file('failed'))).line).toBe('1 passed, 1 failed')
  })

  test('counts a run without tests as failed', () => {
    expect(summarize(report()).line).toBe('0 passed, 1 failed')
  })

  test('counts a report that is none as failed', () => {
    expect(summarize(undefined).line).toBe('0 passed, 1 failed')
    expect(summarize({ testResults: 'x' }).line).toBe('0 passed, 1 failed')
  })
})
