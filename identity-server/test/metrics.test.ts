import { describe, expect, test } from 'vitest'
import { createMetrics } from '../src/metrics.ts'

/** The samples of a metric: labels as text → value. */
async function samples(metrics: ReturnType<typeof createMetrics>, name: string): Promise<Record<string, number>> {
  const { body } = await metrics.render()
  const lines = [...body.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))]
  return Object.fromEntries(lines.map(([, labels = '', value]) => [labels, Number(value)]))
}

const issued = { type: 'token.issued', grant_type: 'client_credentials', jti: 'j' } as const

describe('events are counted', () => {
  test('by auth server, grant and outcome', async () => {
    const metrics = createMetrics()
    for (let count = 0; count < 3; count += 1) metrics.observeEvent('a', issued)
    metrics.observeEvent('a', { ...issued, type: 'token.refreshed', grant_type: 'refresh_token' })
    metrics.observeEvent('b', { type: 'token.refused', grant_type: 'client_credentials', error: 'invalid_scope' })
    metrics.observeEvent('b', { type: 'token.refused', error: 'unsupported_grant_type' })
    expect(await samples(metrics, 'postern_token_requests_total')).toEqual({
      'auth_server="a",grant_type="client_credentials",outcome="success"': 3,
      'auth_server="a",grant_type="refresh_token",outcome="success"': 1,
      'auth_server="b",grant_type="client_credentials",outcome="invalid_scope"': 1,
      'auth_server="b",grant_type="unknown",outcome="unsupported_grant_type"': 1,
    })
    expect(await samples(metrics, 'postern_events_total')).toEqual({
      'type="token.issued"': 3,
      'type="token.refreshed"': 1,
      'type="token.refused"': 2,
    })
    // Asking does not change what is counted.
    metrics.observeEvent('a', issued)
    const counted = await samples(metrics, 'postern_token_requests_total')
    expect(counted['auth_server="a",grant_type="client_credentials",outcome="success"']).toBe(4)
  })

  test('client authentications by method and outcome, introspections by their answer', async () => {
    const metrics = createMetrics()
    metrics.observeEvent('a', { type: 'client.authenticated', method: 'client_secret_basic' })
    metrics.observeEvent('a', { type: 'client.authentication_failed', error: 'invalid_client' })
    metrics.observeEvent('a', { type: 'token.introspected', active: true })
    metrics.observeEvent('a', { type: 'token.introspected', active: false })
    expect(await samples(metrics, 'postern_client_authentications_total')).toEqual({
      'method="client_secret_basic",outcome="success"': 1,
      'method="unknown",outcome="invalid_client"': 1,
    })
    expect(await samples(metrics, 'postern_introspections_total')).toEqual({
      'auth_server="a",active="true"': 1,
      'auth_server="a",active="false"': 1,
    })
  })

  test('with a label of their own for the first hundred auth servers, and one for all others', async () => {
    const metrics = createMetrics()
    for (let index = 0; index < 10_000; index += 1) {
      metrics.observeEvent(`tenant-${index}`, issued)
      metrics.observeEvent(`tenant-${index}`, { type: 'token.introspected', active: true })
    }
    const counted = await samples(metrics, 'postern_token_requests_total')
    expect(Object.keys(counted)).toHaveLength(101)
    expect(counted['auth_server="_other",grant_type="client_credentials",outcome="success"']).toBe(9_900)
    expect(Object.keys(await samples(metrics, 'postern_introspections_total'))).toHaveLength(101)
  })
})

test('requests are counted by route and status, and their time by route', async () => {
  const metrics = createMetrics()
  metrics.observeRequest('/:auth_server/token', 200, 3)
  metrics.observeRequest('/:auth_server/token', 401, 30)
  expect(await samples(metrics, 'postern_http_requests_total')).toEqual({
    'route="/:auth_server/token",status="200"': 1,
    'route="/:auth_server/token",status="401"': 1,
  })
  const buckets = await samples(metrics, 'postern_http_request_duration_seconds_bucket')
  expect(buckets['le="0.005",route="/:auth_server/token"']).toBe(1)
  expect(buckets['le="0.05",route="/:auth_server/token"']).toBe(2)
})

test('what the parts know is read when it is asked for', async () => {
  const metrics = createMetrics()
  const counts = { waiting: 1, stored: 2, dropped: 3 }
  metrics.watch({
    events: { counts: () => counts },
    caches: { clients: { size: () => 7 } },
    pool: { connections: () => 4, waiting: () => 5, waits: () => 6, waitedMs: () => 1_500 },
  })
  const single = async (name: string) => (await samples(metrics, name))['']
  expect(await single('postern_events_waiting')).toBe(1)
  expect(await single('postern_events_stored_total')).toBe(2)
  counts.dropped = 8
  expect(await single('postern_events_dropped_total')).toBe(8)
  expect(await samples(metrics, 'postern_cache_entries')).toEqual({ 'cache="clients"': 7 })
  expect(await single('postern_database_connections')).toBe(4)
  expect(await single('postern_database_waiting')).toBe(5)
  expect(await single('postern_database_waits_total')).toBe(6)
  expect(await single('postern_database_wait_seconds_total')).toBe(1.5)
})
