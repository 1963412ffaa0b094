import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ConfigError, parseConfig } from '../../src/config/load.ts'
import { schemaDocument } from '../../src/config/schema-document.ts'

const minimal = `
listen: { tcp: 127.0.0.1:4100 }
admin: { tcp: 127.0.0.1:4101 }
issuers:
  demo: { issuer: https://issuer.example, audience: [api] }
policies:
  demo: { issuers: [demo] }
`
const bad = join(import.meta.dirname, 'bad')

function problemOf(text: string): ConfigError {
  try {
    parseConfig(text, 'file.yaml')
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the file was accepted')
}

describe('a good file', () => {
  test('needs little, and the rest has defaults', () => {
    const config = parseConfig(minimal, 'file.yaml')
    expect(config.issuers.demo).toMatchObject({ algorithms: ['ES256'], leeway: 5, timeout_ms: 2_000 })
    expect(config.policies.demo).toMatchObject({ required_scopes: [], headers: {}, caller_token: 'remove' })
    expect(config.cache).toMatchObject({ max_age: 300, negative_max_age: 5 })
    expect(config.upstreams).toEqual({})
  })

  test('may repeat itself with anchors, and a default in one place does not show in the other', () => {
    const config = parseConfig(
      `${minimal.replace('audience: [api]', 'audience: [api], introspection: &c { client_id: a, client_secret: { env: A } }, revocation_feed: *c')}`,
      'file.yaml',
    )
    expect(config.issuers.demo?.introspection?.cache_ttl).toBe(30)
    expect(config.issuers.demo?.revocation_feed).not.toHaveProperty('cache_ttl')
  })

  test('may be that of several processes, which have in common what is used once', () => {
    const dpop = 'dpop: { origins: [https://api.example.com] }'
    const policy = (more: string) => minimal.replace('issuers: [demo]', `issuers: [demo], ${more}`)
    const token = (more = '') => `identity_token: { issuer: a, audience: b${more} }`
    const redis = `redis: { nodes: ['127.0.0.1:6379'], encryption_secret: { env: A } }`
    const shared = `${policy(`${dpop}, ${token(', key: { env: B }')}`).replace('4100 }', '4100, shared: true }')}${redis}`
    expect(parseConfig(shared, 'file.yaml').listen.shared).toBe(true)
    expect(parseConfig(policy(`${dpop}, ${token()}`), 'file.yaml').listen.shared).toBeUndefined()
  })

  test.each(['127.0.0.1:1', '127.9.9.9:1', '[::1]:4100', 'localhost:0'])('may listen on %s', (address) => {
    expect(parseConfig(minimal.replace('127.0.0.1:4100', `'${address}'`), 'file.yaml').listen.tcp).toBe(address)
  })
})

describe('a bad file is refused with place, path and reason', () => {
  test.each(readdirSync(bad))('%s', (file) => {
    const text = readFileSync(join(bad, file), 'utf8')
    const [, expected] = /^# expect (.+)$/m.exec(text) ?? []
    expect(problemOf(text).message).toBe(`file.yaml:${expected}`)
  })

  test('with all of its problems at once', () => {
    const text = minimal.replace('issuers: [demo]', 'issuers: [other], upstream: gone')
    expect(problemOf(text).problems.map(({ path }) => path)).toEqual([
      'policies.demo.issuers[0]',
      'policies.demo.upstream',
    ])
  })

  test('where aliases would blow it up', () => {
    const layers = Array.from({ length: 9 }, (_, index) => {
      const [name, previous] = [`a${index + 1}`, `*a${index}`]
      return `${name}: &${name} [${Array(9).fill(previous).join(', ')}]`
    })
    expect(() => parseConfig(['a0: &a0 [x]', ...layers].join('\n'), 'file.yaml')).toThrow(/alias/i)
  })

  test.each(['!hunter2', '!!hunter2', '"\\hunter2"', '| hunter2', '"a" hunter2', '*hunter2', '!<hunter2>', '@hunter2'])(
    'without what stands there, which may be a secret: %s',
    (value) => {
      const text = minimal.replace('audience: [api]', `audience: [api], introspection: { client_secret: ${value} }`)
      for (const bad of [text, `client_secret: ${value}`, `%hunter2 a\n---\n${text}`]) {
        const { message } = problemOf(bad)
        expect(message).toMatch(/^file.yaml:\d+:\d+: ./)
        expect(message).not.toContain('hunter2')
      }
    },
  )

  test('whatever the text is', () => {
    fc.assert(fc.property(fc.string(), (text) => void expect(() => parseConfig(text, 'file.yaml')).toThrow(Error)))
  })
})

describe('the published JSON Schema', () => {
  const published = readFileSync(join(import.meta.dirname, '..', '..', 'config.schema.json'), 'utf8')

  test('is that of the source (npm run schema)', () => {
    expect(JSON.parse(published)).toEqual(JSON.parse(schemaDocument()))
  })

  test('accepts a file that leaves the defaults out, and refuses unknown members', () => {
    const validate = new Ajv({ strict: false }).compile(JSON.parse(published))
    expect(validate(parse(minimal))).toBe(true)
    expect(validate({ ...parse(minimal), other: 1 })).toBe(false)
  })
})
