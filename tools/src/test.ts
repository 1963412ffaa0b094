/**
 * `npm test`: runs every test once and ends with the line `N passed, N failed`, counted from vitest's own report.
 * Arguments go to vitest: `npm test -- sidecar` runs the tests below sidecar/.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { summarize } from './test-report.ts'

const root = join(import.meta.dirname, '..', '..')
const report = join(root, '.postern', 'test-report.json')
mkdirSync(join(root, '.postern'), { recursive: true })
rmSync(report, { force: true })

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const { status } = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})

const summary = summarize(readReport(), status === 0)
for (const skipped of summary.skippedTests) console.log(`skipped: ${skipped}`)
// A skip is somebody's gap on their own machine; where the project is judged, it is a failure.
const failed = summary.failed > 0 || (process.env.CI === 'true' && summary.skipped > 0)
console.log(summary.line)
process.exitCode = failed ? 1 : 0

function readReport(): unknown {
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch (error) {
    console.error(`vitest left no report: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}
