/** The real sidecar in this process, on free ports, with a clock that tests set. */
import { Decision, type DecisionRequest } from '@postern/protocol/decision'
import { pino } from 'pino'
import { Value } from 'typebox/value'
import { type Sidecar, startSidecar } from '../../src/compose.ts'
import { parseConfig } from '../../src/config/load.ts'
import { createReadSecret } from '../../src/config/secret.ts'
import { audience, clientId, startTestIssuer, type TestIssuer } from './issuer.ts'

export interface Clock {
  /** ms since the epoch */
  now(): number
  advance(seconds: number): void
}

export function createClock(): Clock {
  let ahead = 0
  return {
    now: () => Date.now() + ahead,
    advance: (seconds) => {
      ahead += seconds * 1_000
    },
  }
}

export interface Answer {
  status: number
  headers: Headers
  body: unknown
}

export interface TestBench {
  readonly issuer: TestIssuer
  readonly sidecar: Sidecar
  readonly clock: Clock
  /** What the sidecar has logged. */
  readonly log: string[]
  /** Asks by forward-auth, as a gateway would. */
  ask(authorization?: string, policy?: string): Promise<Answer>
  /** Asks by `POST /v1/decisions`. */
  decide(headers: string[], policy?: string, request?: Partial<DecisionRequest>): Promise<Decision>
  /** Asks at `/v1/upstream-tokens/{upstream}`. */
  upstreamToken(method: 'POST' | 'DELETE', body: object, upstream?: string): Promise<Answer>
  /** A page of the admin port. */
  admin(path: string): Promise<Answer>
  /** Settles once the sidecar is ready. @throws Error where it is not within five seconds */
  ready(): Promise<void>
  /** Another sidecar beside this one, at the same issuer; with the same configuration unless another is given. */
  beside(options?: BenchOptions): Promise<TestBench>
  /** Another sidecar against the same issuer, in the place of this one, which must be closed. */
  restart(options?: BenchOptions): Promise<TestBench>
  close(): Promise<void>
}

const secret = 'client_secret: { value: test-secret }'

export interface BenchOptions {
  /** What becomes of the issuer before the sidecar starts. */
  before?(issuer: TestIssuer): void | Promise<void>
  /** Members of `listen` beside its TCP address. */
  listen?: string
  /** Members of the issuer beside its identifier and audience. */
  issuer?: string
  /** Members of the policy `main` beside its issuer. */
  policy?: string
  /** Members of the upstream `orders`. */
  upstream?: (issuerUrl: string) => string
  /** Further top-level members, or policies. */
  more?: string
}

/** YAML members for the options, indented for their place. */
export const withIntrospection = `introspection: { client_id: ${clientId}, ${secret}, timeout_ms: 600 }`
export const withFeed = `revocation_feed: { client_id: ${clientId}, ${secret} }`
export const withUpstream = 'upstream: orders'

/** A client of client_credentials at the issuer's token endpoint. */
export const plainUpstream = (issuerUrl: string) =>
  `token_endpoint: ${issuerUrl}/token, client_id: ${clientId}, ${secret}, timeout_ms: 600`

export function benchConfig(issuerUrl: string, options: BenchOptions): string {
  const { listen = '', issuer = '', policy = '', upstream = plainUpstream, more = '' } = options
  return `
listen: { tcp: 127.0.0.1:0, ${listen} }
admin: { tcp: 127.0.0.1:0 }
log: { level: debug }
issuers:
  test:
    issuer: ${issuerUrl}
    audience: [${audience}]
    timeout_ms: 600
    ${issuer}
upstreams:
  orders: { ${upstream(issuerUrl)} }
policies:
  main:
    issuers: [test]
    headers: { x-subject: sub, x-client: client_id, x-roles: roles }
    ${policy}
${more}
`
}

export async function startBench(options: BenchOptions = {}): Promise<TestBench> {
  const clock = createClock()
  const issuer = await startTestIssuer(clock.now)
  await options.before?.(issuer)
  return startSidecarOf(issuer, clock, options)
}

async function startSidecarOf(issuer: TestIssuer, clock: Clock, options: BenchOptions): Promise<TestBench> {
  const log: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(line) })
  const config = parseConfig(benchConfig(issuer.url, options), 'bench.yaml')
  const readSecret = createReadSecret({})
  const sidecar = await startSidecar(config, { logger, readSecret, now: clock.now })

  return {
    issuer,
    sidecar,
    clock,
    log,
    ask: (authorization, policy = 'main') =>
      get(
        `${sidecar.address}/v1/forward-auth/${policy}`,
        authorization === undefined ? {} : { headers: { authorization } },
      ),
    async decide(headers, policy = 'main', request = {}) {
      const body = JSON.stringify({ policy, request: { method: 'GET', uri: '/', headers, ...request } })
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
      return Value.Parse(Decision, (await get(`${sidecar.address}/v1/decisions`, init)).body)
    },
    upstreamToken(method, body, upstream = 'orders') {
      const init = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
      return get(`${sidecar.address}/v1/upstream-tokens/${upstream}`, init)
    },
    admin: (path) => get(`${sidecar.adminAddress}${path}`),
    async ready() {
      for (let attempt = 0; attempt < 500; attempt++) {
        if ((await get(`${sidecar.adminAddress}/readyz`)).status === 200) return
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      throw new Error('the sidecar is not ready')
    },
    beside: (changed = options) => startSidecarOf(issuer, clock, changed),
    async restart(changed = options) {
      await sidecar.close()
      return startSidecarOf(issuer, clock, changed)
    },
    async close() {
      await sidecar.close()
      await issuer.close()
    },
  }
}

async function get(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) })
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json')
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text }
}
