import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { findCycles, findViolations } from '../src/import-graph.ts'
import { readSources } from '../src/sources.ts'

let root = ''

afterEach(() => rmSync(root, { recursive: true, force: true }))

/** A tree of sources; files that are only imported are made empty. */
function tree(files: Record<string, string>) {
  root = mkdtempSync(join(tmpdir(), 'postern-imports-'))
  for (const [file, code] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), code)
  }
  return readSources(root)
}

const wrong: [rule: string, files: Record<string, string>, reason: RegExp][] = [
  [
    'the identity server and the sidecar never meet, not even in tests',
    { 'sidecar/test/a.test.ts': "import '../../identity-server/src/b.ts'", 'identity-server/src/b.ts': '' },
    /only over the network/,
  ],
  [
    'protocol imports nothing of ours',
    { 'protocol/src/a.ts': "import { b } from '@postern/sdk/b'", 'sdk/src/b.ts': '' },
    /protocol may not import sdk/,
  ],
  [
    'type imports count',
    { 'sdk/src/a.ts': "import type { B } from '../../tools/src/b.ts'", 'tools/src/b.ts': '' },
    /sdk may not import tools/,
  ],
  [
    'imports over several lines count',
    { 'sdk/src/a.ts': "import {\n  b,\n  c,\n} from '@postern/tools/b'", 'tools/src/b.ts': '' },
    /sdk may not import tools/,
  ],
  [
    're-exports and dynamic imports count',
    {
      'sdk/src/a.ts': "export * from '@postern/tools/b'\nconst c = await import('@postern/tools/b')",
      'tools/src/b.ts': '',
    },
    /sdk may not import tools/,
  ],
  [
    'the store imports no feature',
    { 'identity-server/src/store/a.ts': "import '../grants/b.ts'", 'identity-server/src/grants/b.ts': '' },
    /store stands behind grants/,
  ],
  [
    'a new folder needs its place',
    { 'sidecar/src/http/a.ts': "import '../misc/b.ts'", 'sidecar/src/misc/b.ts': '' },
    /misc has no place/,
  ],
  [
    'only main.ts imports compose.ts',
    { 'sidecar/src/http/a.ts': "import '../compose.ts'", 'sidecar/src/compose.ts': '' },
    /only main.ts and cli.ts may/,
  ],
  [
    'sources do not import tests',
    { 'sdk/src/a.ts': "import '../test/b.ts'", 'sdk/test/b.ts': '' },
    /do not import tests/,
  ],
  ['only entry points touch process', { 'sdk/src/a.ts': 'export const a = process.env.A' }, /touches process/],
  ['process under its module name', { 'sdk/src/a.ts': "import { env } from 'node:process'" }, /touches process/],
  ['process under its old module name', { 'sdk/src/a.ts': "import { env } from 'process'" }, /touches process/],
  ['protocol is pure', { 'protocol/src/a.ts': "import { readFileSync } from 'node:fs'" }, /is pure/],
  [
    'protocol is pure by the old names as well',
    { 'protocol/src/a.ts': "import { readFileSync } from 'fs'" },
    /is pure/,
  ],
  ['nothing is imported by a name made while running', { 'sdk/src/a.ts': 'await import(name)' }, /cannot be told/],
  [
    'nobody imports an entry point',
    { 'sidecar/src/compose.ts': "import './main.ts'", 'sidecar/src/main.ts': '' },
    /nobody may/,
  ],
  ['an import leads somewhere', { 'sdk/src/a.ts': "import './gone.ts'" }, /which there is not/],
]

describe('findViolations', () => {
  test.each(wrong)('%s', (_rule, files, reason) => {
    const violations = findViolations(tree(files))
    expect(violations.length).toBeGreaterThan(0)
    for (const violation of violations) expect(violation).toMatch(reason)
  })

  test('accepts what points inwards, and is not misled by comments and strings', () => {
    const sources = tree({
      'sidecar/src/main.ts': "import { b } from './compose.ts'\nprocess.exit(b)",
      'sidecar/src/compose.ts': "import './http/c.ts'\nexport const b = 0",
      'sidecar/src/http/c.ts':
        "// import '../compose.ts'\n/* process.env */\nimport '../remote/d.ts'\nconst e = 'process.env'",
      'sidecar/src/remote/d.ts': "import { f } from '@postern/protocol/f'",
      'protocol/src/f.ts': 'export const f = 1',
    })
    expect(sources).toHaveLength(5)
    expect(findViolations(sources)).toEqual([])
  })
})

describe('findCycles', () => {
  test('finds a circle over several files', () => {
    const sources = tree({
      'sdk/src/a.ts': "import './b.ts'",
      'sdk/src/b.ts': "import './c.ts'",
      'sdk/src/c.ts': "import './a.ts'",
      'sdk/src/d.ts': "import './a.ts'",
    })
    expect(findCycles(sources)).toHaveLength(1)
  })
})
