import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { problems } from '../../identity-server/src/admin/problem.ts'
import { changeActions, changedResources, eventTypes } from '../../identity-server/src/events/types.ts'
import { oauthErrorCodes } from '../../protocol/src/oauth-error.ts'
import { parseConfig } from '../../sidecar/src/config/load.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const exists = (path: string) => globSync(path, { cwd: root }).length > 0

describe('docs/spec-coverage.md', () => {
  test('names files and tests that exist, and no row is without', () => {
    const rows = read('docs/spec-coverage.md')
      .split('\n')
      .filter((line) => line.startsWith('|') && !/^\|( feature|[ -]*\|)/.test(line))
    expect(rows.length).toBeGreaterThan(40)
    for (const row of rows) {
      const [, , , files = '', tests = ''] = row.split(/(?<!\\)\|/)
      for (const cell of [files, tests]) {
        const paths = cell.split(',').map((path) => path.trim().replaceAll('`', ''))
        expect(
          paths.every((path) => path !== '' && exists(path)),
          row,
        ).toBe(true)
      }
    }
  })
})

describe('docs/decisions', () => {
  test('are all listed, and nothing else is', () => {
    const listed = [...read('docs/decisions/README.md').matchAll(/\]\((\d{4}-[^)]+)\)/g)].map((match) => match[1])
    const present = globSync('docs/decisions/[0-9]*.md', { cwd: root }).map((path) =>
      path.slice('docs/decisions/'.length),
    )
    expect(listed).toEqual(present.toSorted())
  })
})

describe('docs/errors.md', () => {
  const [, oauth = '', admin = ''] = read('docs/errors.md').split(/^## /m)
  const rows = (section: string) =>
    [...section.matchAll(/^\| `(\w+)` +\| (\d{3}) +\| (.+?) +\|$/gm)].map(([, code, status, text]) => [
      code,
      Number(status),
      text,
    ])

  test('lists the codes of the OAuth endpoints', () => {
    expect(rows(oauth)).toEqual(
      Object.entries(oauthErrorCodes).map(([code, { status, specification }]) => [code, status, specification]),
    )
  })

  test('lists the problems of the admin API', () => {
    expect(rows(admin)).toEqual(Object.entries(problems).map(([code, { status, title }]) => [code, status, title]))
  })
})

describe('docs/events.md', () => {
  const [, types = ''] = read('docs/events.md').split(/^## /m)

  test('lists every type of event with its members', () => {
    const rows = [...types.matchAll(/^\| `([\w.]+)` +\| (.+?) +\|/gm)]
    const common = ['client_id', 'subject', 'trace_id']
    expect(rows.map(([, type, members]) => [type, members])).toEqual(
      Object.entries(eventTypes).map(([type, { properties, required = [] }]) => {
        const names = Object.keys(properties).filter((name) => !common.includes(name))
        const must: readonly string[] = required
        return [type, names.map((name) => (must.includes(name) ? `\`${name}\`` : `(\`${name}\`)`)).join(', ')]
      }),
    )
  })

  test('names the resources whose changes are events, and what is done with them', () => {
    for (const name of changedResources) expect(types).toContain(`\`${name}\``)
    for (const action of changeActions) expect(types).toContain(`.${action}\``)
  })
})

describe('links', () => {
  test.each(globSync('**/*.md', { cwd: root, exclude: (path) => /node_modules|\.postern/.test(path) }))(
    '%s leads to files that exist',
    (file) => {
      const links = [...read(file).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map((match) => String(match[1]))
      for (const link of links.filter((target) => !/^[a-z]+:/.test(target))) {
        expect(exists(join(dirname(file), link)), link).toBe(true)
      }
    },
  )
})

/** The YAML examples of a page, with their numbers. */
function examplesOf(page: string): (readonly [number: number, example: string])[] {
  return [...read(page).matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, example = ''], index) => [index + 1, example])
}

/** What the examples leave out. */
const rest = `
listen: { tcp: 127.0.0.1:4100 }
admin: { tcp: 127.0.0.1:4101 }
issuers: { company: { issuer: https://id.example.com/main, audience: [https://api.example.com] } }
`

describe('docs/upstream-tokens.md', () => {
  test.each(examplesOf('docs/upstream-tokens.md'))('has an example %i that the sidecar accepts', (_number, example) => {
    const policies = example.includes('policies:') ? '' : 'policies: { main: { issuers: [company] } }'
    expect(Object.keys(parseConfig(rest + example + policies, 'docs/upstream-tokens.md').upstreams)).not.toEqual([])
  })
})

describe('docs/policies.md', () => {
  test.each(examplesOf('docs/policies.md'))('has an example %i that the sidecar accepts', (_number, example) => {
    // Some show a part of a policy alone.
    const members = example.replaceAll(/^/gm, '    ')
    const policies = example.startsWith('policies:')
      ? example
      : `policies:\n  orders:\n    issuers: [company]\n${members}`
    expect(Object.keys(parseConfig(rest + policies, 'docs/policies.md').policies)).toEqual(['orders'])
  })
})

describe('docs/sidecar.md', () => {
  test('has an example that the sidecar accepts', () => {
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(read('docs/sidecar.md')) ?? []
    expect(parseConfig(example, 'docs/sidecar.md').policies.orders?.upstream).toBe('orders')
  })
})
