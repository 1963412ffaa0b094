/** What is revoked while a grant is being made is revoked for that grant too, though it was not there to be deleted. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Grant } from '../../src/grants/grant.ts'
import { databases, type Store } from '../support/databases.ts'
import { outcome } from '../support/http.ts'
import { mayRefresh, refreshAt, tokensOf } from '../support/refreshing.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant } from '../support/tenant.ts'

describe.each(databases)('a grant that is about to be stored on $kind', ({ start }) => {
  let store: Store
  let server: TestServer
  let tenant: Tenant
  /** What happens between the authorization of a grant and its storing. */
  let meanwhile = async () => {}

  const granting: Grant = {
    type: 'client_credentials',
    forPublicClients: false,
    async authorize() {
      await meanwhile()
      return { subject: 'alice', refreshable: true }
    },
  }

  beforeAll(async () => {
    store = await start()
    const changeGrants = (grants: Grant[]) => grants.map((grant) => (grant.type === granting.type ? granting : grant))
    server = await startTestServer(store, { changeGrants })
    tenant = await createTenant(server)
  })
  afterAll(async () => {
    await server?.close()
    await store?.stop()
  })

  const below = () => `/auth-servers/${tenant.id}`
  const revoke = async (kind: string, value: string) =>
    expect((await server.admin('POST', `${below()}/revocations`, { kind, value })).status).toBe(201)
  const grantsOf = async (client: string) => (await server.admin('GET', `${below()}/grants?client_id=${client}`)).json

  test.each<[string, (client: string) => Promise<unknown>]>([
    ['its client', (client) => revoke('client', client)],
    ['its subject', () => revoke('subject', 'alice')],
  ])('is not, where %s was revoked meanwhile', async (_, happens) => {
    await server.withStoppedClock(async () => {
      const client = await tenant.client(mayRefresh)
      meanwhile = async () => void (await happens(client.id))
      expect(outcome(await tenant.tokenAnswer(client))).toEqual([400, 'invalid_grant'])
      expect(await grantsOf(client.id)).toMatchObject({ items: [] })
    })
  })

  test('is, where others were, and where the revocation lies a second back', async () => {
    const client = await tenant.client(mayRefresh)
    await revoke('client', client.id)
    server.advance(1_000)
    meanwhile = async () => {
      await revoke('client', (await tenant.client()).id)
      await revoke('subject', 'bob')
    }
    const { refresh } = tokensOf(await tenant.tokenAnswer(client))
    expect((await refreshAt(`${tenant.issuer}/token`, client, refresh)).status).toBe(200)
  })
})
