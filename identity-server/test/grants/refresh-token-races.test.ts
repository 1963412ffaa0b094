/** Refresh tokens where requests, replicas and restarts meet. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases, postgresOnly, type Store } from '../support/databases.ts'
import { type Answer, type Credentials, postForm } from '../support/http.ts'
import { firstTokens, mayRefresh, refreshAt, tokensOf, withRefreshTokens } from '../support/refreshing.ts'
import { startReplica, startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant } from '../support/tenant.ts'

const refused = { error: 'invalid_grant', error_description: 'the refresh token is not valid' }

/** A server, another of the same issuer on the same database, and a tenant with a client. */
interface Bench {
  store: Store
  servers: TestServer[]
  tenant: Tenant
  client: Credentials
  /** Refreshes at the server of that index. */
  refresh(token: string, index?: number): Promise<Answer>
}

async function startBench(start: () => Promise<Store>, replicas: number): Promise<Bench> {
  const store = await start()
  const first = await startTestServer(store, withRefreshTokens)
  const servers = [first]
  while (servers.length < replicas) servers.push(await startReplica(store, first, withRefreshTokens))
  const tenant = await createTenant(first)
  const client = await tenant.client(mayRefresh)
  return {
    store,
    servers,
    tenant,
    client,
    refresh: (token, index = 0) => refreshAt(`${servers[index]?.address}/${tenant.id}/token`, client, token),
  }
}

/** At most one of the answers is a success, and the grant ended: neither the token nor its successor can be used. */
async function expectOneUse(bench: Bench, token: string, answers: Answer[]): Promise<number> {
  const won = answers.filter(({ status }) => status === 200)
  expect(won.length).toBeLessThanOrEqual(1)
  for (const answer of answers.filter((answer) => !won.includes(answer))) expect(answer.json).toEqual(refused)
  for (const successor of [...won.map((answer) => tokensOf(answer).refresh), token]) {
    for (const index of bench.servers.keys()) expect((await bench.refresh(successor, index)).json).toEqual(refused)
  }
  return won.length
}

describe.each(databases)('refresh tokens on $kind', ({ start }) => {
  let bench: Bench
  beforeAll(async () => {
    bench = await startBench(start, 1)
  })
  afterAll(async () => {
    for (const server of bench?.servers ?? []) await server.close()
    await bench?.store.stop()
  })

  test('concurrent uses of one token beat single use (CVE-2026-1035)', async () => {
    let won = 0
    for (let round = 0; round < 6; round += 1) {
      const { refresh: token } = await firstTokens(bench.tenant, bench.client)
      const answers = await Promise.all(Array.from({ length: 20 }, () => bench.refresh(token)))
      won += await expectOneUse(bench, token, answers)
    }
    expect(won).toBeGreaterThan(0)
  })

  test('a use and the replay of the token before it, at once: nothing of the grant survives', async () => {
    for (let round = 0; round < 6; round += 1) {
      const { refresh: before } = await firstTokens(bench.tenant, bench.client)
      const { refresh: current } = tokensOf(await bench.refresh(before))
      const [replay, use] = await Promise.all([bench.refresh(before), bench.refresh(current)])
      expect(replay.json).toEqual(refused)
      if (use.status === 200) expect((await bench.refresh(tokensOf(use).refresh)).json).toEqual(refused)
      expect((await bench.refresh(current)).json).toEqual(refused)
    }
  })

  test('what ended stays ended, and what was used stays used, when the server starts anew (CVE-2026-9802)', async () => {
    const [ended, used, unused] = [await begin(), await begin(), await begin()]
    const lost = tokensOf(await bench.refresh(ended)).refresh
    await bench.refresh(ended)
    const next = tokensOf(await bench.refresh(used)).refresh
    const [server] = bench.servers
    if (!server) throw new Error('no server')
    await server.close()
    bench.servers[0] = await startReplica(bench.store, server, withRefreshTokens)
    expect((await bench.refresh(ended)).json).toEqual(refused)
    expect((await bench.refresh(lost)).json).toEqual(refused)
    expect((await bench.refresh(unused)).status).toBe(200)
    const after = tokensOf(await bench.refresh(next)).refresh
    expect((await bench.refresh(used)).json).toEqual(refused)
    expect((await bench.refresh(after)).json).toEqual(refused)
  })

  /** Not through the tenant: its issuer may be where the first server was. */
  const begin = async () => {
    const url = `${bench.servers[0]?.address}/${bench.tenant.id}/token`
    return tokensOf(await postForm(url, { grant_type: 'client_credentials' }, bench.client)).refresh
  }
})

describe.each(postgresOnly)('two replicas on $kind', ({ start }) => {
  let bench: Bench
  beforeAll(async () => {
    bench = await startBench(start, 2)
  })
  afterAll(async () => {
    for (const server of bench?.servers ?? []) await server.close()
    await bench?.store.stop()
  })

  test('concurrent uses of one token, at both: at most one succeeds, and the grant ends for both', async () => {
    let won = 0
    for (let round = 0; round < 10; round += 1) {
      const { refresh: token } = await firstTokens(bench.tenant, bench.client)
      const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => bench.refresh(token, index % 2)))
      won += await expectOneUse(bench, token, answers)
    }
    expect(won).toBeGreaterThan(0)
  })

  test('a chain of uses goes on from one replica to the other', async () => {
    let { refresh: token } = await firstTokens(bench.tenant, bench.client)
    for (let use = 0; use < 10; use += 1) token = tokensOf(await bench.refresh(token, use % 2)).refresh
  })
})
