/** `npm run imports`: checks that imports point the way that import-rules.ts says, and that none form a circle. */
import { join } from 'node:path'
import { findCycles, findViolations } from './import-graph.ts'
import { readSources } from './sources.ts'

const sources = readSources(join(import.meta.dirname, '..', '..'))
const problems = [...findViolations(sources), ...findCycles(sources)]
for (const problem of problems) console.error(problem)
console.log(`${sources.length} files, ${problems.length} wrong imports`)
process.exitCode = problems.length > 0 ? 1 : 0
