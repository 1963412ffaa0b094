/** What the sidecar is asked about is what the client sent, and what the upstream gets. */
import { expect } from 'vitest'
import { valuesOf } from '../harness/upstream.ts'
import type { Case } from './case.ts'
import { bearer, challenged, passed } from './expectations.ts'

const unchanged = (method: string, target: string, body?: string): Case => ({
  name: `unchanged: ${method} ${target}`,
  request: async (issuer) => ({
    method,
    target,
    fields: [await bearer(issuer), ['Content-Type', 'application/x-test'], ['X-Other', 'a b']],
    ...(body !== undefined && { body }),
  }),
  verify(outcome) {
    const [request] = outcome.seen
    if (method !== 'HEAD') passed(outcome)
    expect(request).toMatchObject({ method, target, body: body ?? '' })
    expect(outcome.asked).toEqual([{ method, uri: target }])
    if (request) expect(valuesOf(request, 'x-other')).toEqual(['a b'])
    // The decision needs no body, so the sidecar never sees one.
    if (body !== undefined) expect(outcome.received).not.toContain(body)
  },
})

/** The upstream's own answer, also where it looks like a refusal of the sidecar. */
const upstreamStatus = (status: number): Case => ({
  name: `the upstream's own ${status} reaches the client as it is`,
  request: async (issuer) => ({ target: `/status/${status}`, fields: [await bearer(issuer)] }),
  verify({ answer, seen }) {
    expect(seen).toHaveLength(1)
    expect(answer).toMatchObject({ status, body: `upstream ${status}` })
    expect(answer.headers['www-authenticate']).toBe('Upstream realm="its own"')
  },
})

/** Targets that some gateways refuse. None may ask about one target and send the upstream another one. */
const asDecidedOrRefused = (target: string): Case => ({
  name: `decided about as it is passed on, or refused: ${target}`,
  request: async (issuer) => ({ target, fields: [await bearer(issuer)] }),
  verify({ answer, seen, asked }) {
    if (answer.status === 400) return expect(seen).toEqual([])
    expect(answer.status).toBe(200)
    expect(seen.map((request) => request.target)).toEqual(asked.map(({ uri }) => uri))
    expect(seen).toHaveLength(1)
  },
})

const misleading: [string, string][] = [
  ['X-Forwarded-Uri', '/healthz'],
  ['X-Forwarded-Method', 'OPTIONS'],
  ['X_Forwarded_Uri', '/healthz'],
  ['X-Original-Uri', '/healthz'],
  ['X-Original-Method', 'OPTIONS'],
  ['X-Postern-Remove-Headers', 'x-other'],
  ['X-Other', 'kept'],
]

export const fidelityCases: readonly Case[] = [
  unchanged('GET', '/'),
  unchanged('GET', '/a%2Fb?x=1&x=2'),
  unchanged('GET', '/~a;b,c/%7E%E2%82%AC?q=%20+;,%22&&='),
  unchanged('GET', '//double//slash'),
  unchanged('GET', '/?url=http://elsewhere.example/x'),
  unchanged('HEAD', '/head'),
  unchanged('OPTIONS', '/options'),
  unchanged('DELETE', '/delete'),
  unchanged('POST', '/body', 'marker-of-the-body'.repeat(1_000)),
  unchanged('PATCH', '/body', ''.padEnd(300_000, 'marker')),
  upstreamStatus(201),
  upstreamStatus(401),
  upstreamStatus(403),
  upstreamStatus(500),
  upstreamStatus(503),
  ...['/a/../b', '/a/%2e%2e/b', '/a/./b', '/a/..%2fb', '/a\\b', '/a#b', 'http://elsewhere.example/a'].map(
    asDecidedOrRefused,
  ),
  {
    name: 'headers that claim another request have no effect',
    request: async (issuer) => ({ target: '/real?x=1', fields: [await bearer(issuer), ...misleading] }),
    verify(outcome) {
      expect(outcome.asked).toEqual([{ method: 'GET', uri: '/real?x=1' }])
      expect(valuesOf(passed(outcome), 'x-other')).toEqual(['kept'])
      expect(valuesOf(passed(outcome), 'authorization')).toEqual([`Bearer ${outcome.issuer.upstreamToken}`])
    },
  },
  {
    name: 'headers that claim another request do not let one without a token pass',
    request: () => ({ fields: misleading }),
    verify: (outcome) => challenged(outcome, 401, undefined),
  },
]
