/** Refresh tokens where the whole server ends suddenly, in the middle of their rotation. */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { adminAt, startChildServer } from '../support/child-server.ts'
import { postgresOnly, type Store, type StoreVariables } from '../support/databases.ts'
import { createForeignIssuer } from '../support/foreign-issuer.ts'
import { type Answer, postForm } from '../support/http.ts'
import { refreshAt, type Tokens, tokensOf } from '../support/refreshing.ts'
import { createTenant } from '../support/tenant.ts'

const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const chains = 20
const crashes = 3

/** A grant, and what its client knows of it. */
interface Chain {
  grantId: string
  /** The last tokens that were delivered. */
  held: Tokens
  /** The refresh token before, which brought them. */
  spent: string | undefined
  /** Whether an answer is awaited. */
  underWay: boolean
}

interface Client {
  begin(): Promise<Chain>
  refresh(token: string): Promise<Answer>
  isActive(accessToken: string): Promise<unknown>
}

describe.each(postgresOnly)('kill -9 in mid-rotation on $kind', ({ start }) => {
  test('a refresh token is good or spent, never good beside its successor, and its reuse ends the grant', async () => {
    const store = await start()
    const variables = await store.create()
    let server = await startChildServer(variables)
    try {
      const client = await connect(server.origin)
      let kept = 0
      for (let crash = 0; crash < crashes; crash += 1) {
        const all = await Promise.all(Array.from({ length: chains }, () => client.begin()))
        const rotating = Promise.all(all.map((chain) => keepRotating(client, chain)))
        await Promise.race([rotating, delay(100 + Math.random() * 200)])
        await server.process.stop('SIGKILL')
        await rotating
        server = await startChildServer(variables, server.origin)

        const good = await goodTokens(store, variables)
        await Promise.all(
          all.map(async (chain, index) => {
            const isGood = good.get(chain.grantId) === hashOf(chain.held.refresh)
            // What was delivered is good, or else was used in a request whose answer the crash has cut off.
            expect(isGood || chain.underWay).toBe(true)
            kept += isGood ? 1 : 0
            await expectOneGoodToken(client, chain, { isGood, replaysSpent: index % 2 === 0 })
          }),
        )
        expect(await goodTokens(store, variables)).toEqual(new Map())
      }
      expect(kept).toBeGreaterThan(0)
    } finally {
      await server.process.stop('SIGKILL')
      await store.stop()
    }
  }, 120_000)
})

async function connect(origin: string): Promise<Client> {
  const server = await adminAt(origin)
  const tenant = await createTenant(server)
  const partner = await createForeignIssuer(server, tenant)
  const client = await tenant.client({ grant_types: [grant_type, 'refresh_token'] })
  const url = `${tenant.issuer}/token`
  return {
    async begin() {
      const held = tokensOf(await postForm(url, { grant_type, assertion: await partner.sign() }, client))
      return { grantId: String(decodeJwt(held.access).grant_id), held, spent: undefined, underWay: false }
    },
    refresh: (token) => refreshAt(url, client, token),
    isActive: async (accessToken) => (await tenant.introspect(client, accessToken)).json.active,
  }
}

/** Uses each refresh token as soon as it is there, until the server is gone. */
async function keepRotating(client: Client, chain: Chain): Promise<void> {
  for (;;) {
    chain.underWay = true
    const answer = await client.refresh(chain.held.refresh).catch(() => undefined)
    if (!answer) return
    chain.spent = chain.held.refresh
    chain.held = tokensOf(answer)
    chain.underWay = false
  }
}

/** Uses up the grant: with a token that was used before, it ends for whoever has the right one, too. */
async function expectOneGoodToken(
  client: Client,
  { held, spent }: Chain,
  { isGood, replaysSpent }: { isGood: boolean; replaysSpent: boolean },
): Promise<void> {
  const accessTokens = [held.access]
  const refreshTokens = [held.refresh]
  if (isGood && !(replaysSpent && spent !== undefined)) {
    const next = tokensOf(await client.refresh(held.refresh))
    accessTokens.push(next.access)
    refreshTokens.push(next.refresh)
    expect(await client.isActive(next.access)).toBe(true)
  } else if (isGood && spent !== undefined) {
    refreshTokens.unshift(spent)
  }
  for (const token of refreshTokens) expect((await client.refresh(token)).json.error).toBe('invalid_grant')
  for (const token of accessTokens) expect(await client.isActive(token)).toBe(false)
}

/** The hash of each grant's refresh token, by the grant's id. */
async function goodTokens(store: Store, variables: StoreVariables): Promise<Map<string, string>> {
  const rows = await store.query(variables, `select id, encode(token_hash, 'hex') as hash from grants`)
  return new Map(rows.map(({ id, hash }) => [String(id), String(hash)]))
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
