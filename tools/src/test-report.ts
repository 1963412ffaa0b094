/** From vitest's JSON report to counts. What could not even be loaded counts as failed. */
import Type from 'typebox'
import { Value } from 'typebox/value'

const Report = Type.Object({
  numPassedTests: Type.Integer(),
  testResults: Type.Array(
    Type.Object({
      name: Type.String(),
      status: Type.String(),
      assertionResults: Type.Array(Type.Object({ fullName: Type.String(), status: Type.String() })),
    }),
  ),
})

export interface Summary {
  passed: number
  failed: number
  skipped: number
  skippedTests: string[]
  /** The closing line. */
  line: string
}

/**
 * @param report the parsed report; anything that is none counts as one failure
 * @param succeeded whether vitest itself says so. An error outside of every test is in no count of the report, and yet
 *   nobody shall read "0 failed" of such a run
 */
export function summarize(report: unknown, succeeded: boolean): Summary {
  if (!Value.Check(Report, report)) return toSummary(0, 1, [])
  const tests = report.testResults.flatMap((file) => file.assertionResults)
  const failedTests = tests.filter((test) => test.status === 'failed').length
  // A file that failed without a failed test did so while it was loaded, or in a hook.
  const failedFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length
  const skipped = tests.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.fullName)
  const passed = tests.filter((test) => test.status === 'passed').length
  const failed = failedTests + failedFiles
  // A run without any test proves nothing.
  const failedAsWhole = failed === 0 && (!succeeded || passed === 0)
  return toSummary(passed, failedAsWhole ? 1 : failed, skipped)
}

function toSummary(passed: number, failed: number, skippedTests: string[]): Summary {
  const skipped = skippedTests.length
  const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
  return { passed, failed, skipped, skippedTests, line }
}
