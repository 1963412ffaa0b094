/** The real server in this process, on free ports, with a clock that tests move and logs that they can search. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '@postern/tools/servers/process'
import { pino } from 'pino'
import { startIdentityServer } from '../../src/compose.ts'
import { type Environment, parseEnvironment } from '../../src/config.ts'
import type { Grant } from '../../src/grants/grant.ts'
import type { Store, StoreVariables } from './databases.ts'
import { type Answer, type Credentials, postForm, sendAsAdmin } from './http.ts'

export interface TestServer {
  readonly origin: string
  /** Where it listens; differs from the origin where that was set. */
  readonly address: string
  readonly operations: string
  readonly variables: StoreVariables
  /** Moves the server's clock. */
  advance(ms: number): void
  /** Stops the server's clock, but for `advance`, while the work goes on: where a second more would make a difference. */
  withStoppedClock<T>(work: () => Promise<T>): Promise<T>
  now(): number
  /** What it has logged, at level debug. */
  logs(): string
  /** The first admin client. */
  readonly firstClient: Credentials
  adminToken(form?: Record<string, string>): Promise<string>
  /** A request to the admin API with a token of the first client; the path begins after `/admin/v1`. */
  admin(method: string, path: string, body?: unknown): Promise<Answer>
  /** Runs a background job; by themselves, none run. */
  runJob(name: string): Promise<void>
  close(): Promise<void>
}

export interface TestServerOptions {
  /** Start on this database instead of an empty one. */
  variables?: StoreVariables
  environment?: Record<string, string>
  longPollingMs?: number
  /** Puts other grants in the place of some. */
  changeGrants?: (grants: Grant[]) => Grant[]
}

export async function startTestServer(store: Store, options: TestServerOptions = {}): Promise<TestServer> {
  const variables = options.variables ?? (await store.create())
  const environment = await testEnvironment(variables, options.environment)
  let offset = 0
  let stoppedAt: number | undefined
  const now = () => (stoppedAt ?? Date.now()) + offset
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const { longPollingMs, changeGrants } = options
  const settings = { now, scheduleJobs: false, longPollingMs, changeGrants }
  const server = await startIdentityServer(environment, logger, settings)
  const origin = environment.POSTERN_PUBLIC_ORIGIN ?? server.address
  const firstClient = await readFirstClient(environment.POSTERN_DATA_DIR)

  let token: { value: string; until: number } | undefined
  let closing: Promise<void> | undefined
  const adminToken = async (form: Record<string, string> = {}) => {
    const answer = await postForm(`${origin}/system/token`, { grant_type: 'client_credentials', ...form }, firstClient)
    if (answer.status !== 200) throw new Error(`no admin token: ${answer.text}`)
    return String(answer.json.access_token)
  }
  return {
    origin,
    address: server.address,
    operations: server.operationsAddress,
    variables,
    advance: (ms) => {
      offset += ms
    },
    async withStoppedClock(work) {
      stoppedAt = Date.now()
      try {
        return await work()
      } finally {
        stoppedAt = undefined
      }
    },
    now,
    logs: () => lines.join(''),
    firstClient,
    adminToken,
    async admin(method, path, body) {
      if (!token || token.until <= now()) token = { value: await adminToken(), until: now() + 60_000 }
      return sendAsAdmin(origin, token.value, method, path, body)
    },
    runJob: server.runJob,
    close: () => {
      closing ??= server.close()
      return closing
    },
  }
}

/** Another server of the same issuer on the same database. */
export function startReplica(
  store: Store,
  { variables, origin }: Pick<TestServer, 'variables' | 'origin'>,
  options: TestServerOptions = {},
): Promise<TestServer> {
  const environment = { ...options.environment, POSTERN_PUBLIC_ORIGIN: origin }
  return startTestServer(store, { ...options, variables, environment })
}

/** The environment of a server on free ports. */
export async function testEnvironment(
  variables: StoreVariables,
  more: Record<string, string> = {},
): Promise<Environment> {
  const port = await freePort()
  return parseEnvironment({
    POSTERN_PORT: String(port),
    POSTERN_OPERATIONS_PORT: String(await freePort()),
    POSTERN_PUBLIC_ORIGIN: `http://127.0.0.1:${port}`,
    POSTERN_LOG_LEVEL: 'debug',
    ...variables,
    ...more,
  })
}

async function readFirstClient(folder: string): Promise<Credentials> {
  const text = await readFile(join(folder, 'admin-client.env'), 'utf8')
  return { id: /_ID=(.*)/.exec(text)?.[1] ?? '', secret: /_SECRET=(.*)/.exec(text)?.[1] ?? '' }
}
