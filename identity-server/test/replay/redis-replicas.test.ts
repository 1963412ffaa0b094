/** Two whole servers on one PostgreSQL that share a Redis: what may be used once, and what callers see when Redis goes. */
import { type RedisServer, startRedis } from '@postern/tools/servers/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  assertionClaims,
  assertionType,
  newClientKey,
  type SigningClientKey,
  signClaims,
} from '../support/assertions.ts'
import { databases, type Store } from '../support/databases.ts'
import { createDpopKey } from '../support/dpop.ts'
import { createForeignIssuer } from '../support/foreign-issuer.ts'
import { type Answer, type Credentials, outcome, postForm, send } from '../support/http.ts'
import { redisServers } from '../support/redis-servers.ts'
import { firstTokens, mayRefresh, withRefreshTokens } from '../support/refreshing.ts'
import { startReplica, startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant } from '../support/tenant.ts'
import { until } from '../support/wait.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** As in docker-compose.yml: what was answered is remembered when Redis comes back. */
const lasting = ['--appendonly', 'yes', '--appendfsync', 'always']

const onPostgres = databases.filter(({ kind }) => kind === 'postgres')
const pairs = onPostgres.flatMap(({ start }) => redisServers.map(({ kind, cluster }) => ({ start, kind, cluster })))

/** Sends one and the same request to the token endpoint at that address. */
type Attempt = (address: string) => Promise<Answer>

describe.each(pairs)('two replicas on one PostgreSQL and one $kind', ({ start, cluster }) => {
  let redis: RedisServer
  let store: Store
  let replicas: [TestServer, TestServer]
  let tenant: Tenant
  let key: SigningClientKey
  let keyClient: string
  let secretClient: Credentials

  beforeAll(async () => {
    redis = await startRedis({ cluster, arguments: lasting })
    store = await start()
    const environment = { REDIS_URL: redis.url, POSTERN_REDIS_CLUSTER: String(cluster) }
    const options = { ...withRefreshTokens, environment }
    const first = await startTestServer(store, options)
    replicas = [first, await startReplica(store, first, options)]
    tenant = await createTenant(first)
    key = await newClientKey('ES256')
    const byKey = { token_endpoint_auth_methods: ['private_key_jwt'], jwks: { keys: [key.publicJwk] } }
    keyClient = (await tenant.client(byKey)).id
    secretClient = await tenant.client({ grant_types: [...mayRefresh.grant_types, jwtBearer] })
  })
  afterAll(async () => {
    for (const replica of replicas ?? []) await replica.close()
    await store?.stop()
    await redis?.stop()
  })

  const at = (address: string, form: Record<string, string>, client?: Credentials, headers?: Record<string, string>) =>
    postForm(`${address}/${tenant.id}/token`, form, client, headers)

  const byClientAssertion = async (): Promise<Attempt> => {
    const payload = assertionClaims(keyClient, tenant.issuer, Date.now())
    const client_assertion = await signClaims(payload, key.privateKey, { alg: 'ES256' })
    const form = { grant_type: 'client_credentials', client_assertion, client_assertion_type: assertionType }
    return (address) => at(address, form)
  }
  const uses: [string, (string | number)[], () => Promise<Attempt>][] = [
    ['client assertion', [401, 'invalid_client'], byClientAssertion],
    [
      'assertion of a trusted issuer',
      [400, 'invalid_grant'],
      async () => {
        const partner = await createForeignIssuer(replicas[0], tenant)
        const form = { grant_type: jwtBearer, assertion: await partner.sign() }
        return (address) => at(address, form, secretClient)
      },
    ],
    [
      'DPoP proof',
      [400, 'invalid_dpop_proof'],
      async () => {
        const dpop = await (await createDpopKey()).prove({ htu: `${tenant.issuer}/token` })
        return (address) => at(address, { grant_type: 'client_credentials' }, secretClient, { dpop })
      },
    ],
    [
      'refresh token',
      [400, 'invalid_grant'],
      async () => {
        const { refresh } = await firstTokens(tenant, secretClient)
        return (address) => at(address, { grant_type: 'refresh_token', refresh_token: refresh }, secretClient)
      },
    ],
  ]

  test.each(uses)('of forty uses of one %s at once, one succeeds', async (_, refused, make) => {
    for (let round = 0; round < 4; round += 1) {
      const attempt = await make()
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => replicas.map(({ address }) => attempt(address))).flat(),
      )
      const outcomes = answers.map(outcome)
      expect(outcomes.filter(([status]) => status === 200)).toHaveLength(1)
      expect(outcomes.filter(([status]) => status !== 200)).toEqual(Array(39).fill(refused))
      for (const { address } of replicas) expect(outcome(await attempt(address))).toEqual(refused)
    }
  })

  test.each([
    ['killed', () => redis.crash(), () => redis.restart()],
    ['silent', async () => redis.freeze(), async () => redis.thaw()],
  ])('Redis %s under load: refused until it is back, and nothing is good twice', async (_, goes, comesBack) => {
    const load = startLoad(replicas, byClientAssertion)
    const ready = () => Promise.all(replicas.map(async ({ operations }) => (await send(`${operations}/readyz`)).status))

    await load.until(() => load.answers('up').length >= 20)
    load.phase = 'going'
    await goes()
    load.phase = 'down'
    await load.until(() => load.answers('down').length >= 12)
    expect(await ready()).toEqual([503, 503])
    // What uses nothing up goes on.
    for (const { address } of replicas) {
      expect((await at(address, { grant_type: 'client_credentials' }, secretClient)).status).toBe(200)
    }
    load.phase = 'coming'
    await comesBack()
    await load.until(() => load.answers('coming').filter((answer) => answer === success).length >= 20)
    // One of them may have found it sooner than the other.
    await expect.poll(ready, { timeout: 10_000 }).toEqual([200, 200])
    await load.stop()

    expect(new Set(load.answers('up'))).toEqual(new Set([success]))
    expect(new Set(load.answers('down'))).toEqual(new Set([failure]))
    expect(new Set([success, failure])).toEqual(new Set(load.seen.map(({ answer }) => answer)))
    for (const { ms } of load.seen) expect(ms).toBeLessThan(4_000)
    // What had succeeded does not again; what was cut off has been used up, or has not.
    const before = load.seen.filter(({ during }) => during === 'up').slice(-20)
    const cutOff = load.seen.filter(({ during }) => during === undefined)
    for (const { attempt, answer } of [...before, ...cutOff]) {
      const again = await Promise.all(replicas.map(({ address }) => attempt(address)))
      const good = again.filter(({ status }) => status === 200)
      expect(good.length).toBeLessThanOrEqual(answer === success ? 0 : 1)
    }
  })
})

type Phase = 'up' | 'going' | 'down' | 'coming'

interface Seen {
  attempt: Attempt
  /** The phase that it began and ended in; undefined where those differ. */
  during: Phase | undefined
  /** Status, error, Retry-After. */
  answer: string
  ms: number
}

const told = (answer: Answer) => [...outcome(answer), answer.headers.get('retry-after')].join(' ')
const success = '200  '
const failure = '503 temporarily_unavailable 1'

interface Load {
  phase: Phase
  seen: Seen[]
  answers(phase: Phase): string[]
  /** @throws what the load has failed with */
  until(happened: () => boolean): Promise<void>
  stop(): Promise<void>
}

/** Asks all replicas, again and again, three at a time, each time for something new. */
function startLoad(replicas: readonly TestServer[], make: () => Promise<Attempt>): Load {
  let stopped = false
  const keepAsking = async ({ address }: TestServer) => {
    while (!stopped) {
      const attempt = await make()
      const [phase, begun] = [load.phase, performance.now()]
      const answer = told(await attempt(address))
      const during = phase === load.phase ? phase : undefined
      load.seen.push({ attempt, during, answer, ms: performance.now() - begun })
    }
  }
  const load: Load = {
    phase: 'up',
    seen: [],
    answers: (phase) => load.seen.filter(({ during }) => during === phase).map(({ answer }) => answer),
    until: (happened) => Promise.race([asking, until(happened)]),
    async stop() {
      stopped = true
      await asking
    },
  }
  const asking = Promise.all([...replicas, ...replicas, ...replicas].map(keepAsking)).then(() => undefined)
  return load
}
