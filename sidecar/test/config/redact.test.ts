import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { redacted } from '../../src/config/redact.ts'
import { benchConfig, plainUpstream, withFeed, withIntrospection } from '../support/sidecar.ts'

test('shows defaults and where secrets come from, but no secret that stands in the file', () => {
  const text = benchConfig('https://id.example', { issuer: `${withFeed}\n    ${withIntrospection}` })
  const config = parseConfig(text.replace('{ value: test-secret }', '{ env: SECRET_NAME }'), 'a.yaml')
  const shown = JSON.stringify(redacted(config))
  expect(shown).not.toContain('test-secret')
  expect(shown).toContain('[redacted]')
  expect(shown).toContain('SECRET_NAME')
  expect(redacted(config)).toMatchObject({ cache: { max_age: 300 }, issuers: { test: { leeway: 5 } } })
  expect(JSON.stringify(config)).toContain('test-secret')
})

test('shows which parameters and headers an issuer is sent besides, but not their values', () => {
  const upstream = (url: string) =>
    `${plainUpstream(url)}, parameters: { tenant: hunter2 }, request_headers: { x-api-key: hunter2 }`
  const shown = JSON.stringify(redacted(parseConfig(benchConfig('https://id.example', { upstream }), 'a.yaml')))
  expect(shown).not.toContain('hunter2')
  expect(shown).toContain('"parameters":{"tenant":"[redacted]"},"request_headers":{"x-api-key":"[redacted]"}')
})
