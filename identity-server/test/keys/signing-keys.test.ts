import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateMasterKey } from '../../src/keys/master-keys.ts'
import { databases, type Store, snapshot } from '../support/databases.ts'
import { send } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, newSecret } from '../support/tenant.ts'

/** ms: the embedded database takes its time to start, and these tests start it again and again. */
const severalStarts = 120_000

describe.each(databases)('signing keys on $kind', ({ start }) => {
  let store: Store
  let server: TestServer
  beforeAll(async () => {
    store = await start()
  })
  afterAll(async () => {
    await server?.close()
    await store?.stop()
  })

  test(
    'survive a rotation of the master keys, are never stored in plain, and work in no other row',
    async () => {
      const [first, second] = [generateMasterKey(), generateMasterKey()]
      const variables = { ...(await store.create()), POSTERN_MASTER_KEYS: first }
      server = await startTestServer(store, { variables })
      const environment = { POSTERN_PORT: new URL(server.origin).port, POSTERN_PUBLIC_ORIGIN: server.origin }
      const restart = async (keys: string) => {
        await server.close()
        server = await startTestServer(store, { variables: { ...variables, POSTERN_MASTER_KEYS: keys }, environment })
      }
      const old = await createTenant(server)
      const client = await old.client()
      const token = await old.token(client)

      await restart(`${second},${first}`)
      expect((await old.introspect(client, token)).json.active).toBe(true)
      expect((await old.tokenAnswer(client)).status).toBe(200)
      const made = await createTenant(server)
      const madeBy = await made.client()
      await made.token(madeBy)

      await server.close()
      const rows = await store.query(variables, 'select auth_server_id, encryption_key from signing_keys')
      const keyOf = (id: string) => rows.find((row) => row.auth_server_id === id)?.encryption_key
      expect(keyOf(old.id)).toBe(keyOf('system'))
      expect(keyOf(made.id)).not.toBe(keyOf('system'))

      // Nothing that the database holds gives a secret or a private key away.
      const all = JSON.stringify(await snapshot(store, variables))
      expect(all).not.toContain(client.secret)
      expect(all).not.toMatch(/\\?"d\\?":/)
      const privateJwk = Buffer.from('"d":"').toString('hex')
      expect(all).not.toContain(privateJwk)
      for (const key of [first, second]) expect(all).not.toContain(key)

      // The ciphertext of one auth server under the name of another.
      await store.query(
        variables,
        `update signing_keys set private_key = (select private_key from signing_keys where auth_server_id = '${old.id}'),
        encryption_key = (select encryption_key from signing_keys where auth_server_id = '${old.id}')
        where auth_server_id = '${made.id}'`,
      )
      server = await startTestServer(store, {
        variables: { ...variables, POSTERN_MASTER_KEYS: `${second},${first}` },
        environment,
      })
      const refused = await made.tokenAnswer(madeBy)
      expect([refused.status, refused.json]).toEqual([
        500,
        { error: 'server_error', error_description: 'an unexpected error occurred' },
      ])
      expect((await old.tokenAnswer(client)).status).toBe(200)

      await server.close()
      const alone = { ...variables, POSTERN_MASTER_KEYS: second }
      await expect(startTestServer(store, { variables: alone, environment })).rejects.toThrow(/is not in the list/)
      server = await startTestServer(store, { variables: { ...variables, POSTERN_MASTER_KEYS: first }, environment })
    },
    severalStarts,
  )

  test(
    'let go of an old master key once they are encrypted anew, and readiness says when',
    async () => {
      const [first, second] = [generateMasterKey(), generateMasterKey()]
      const variables = { ...(await store.create()), POSTERN_MASTER_KEYS: first }
      const started = await startTestServer(store, { variables })
      const environment = { POSTERN_PORT: new URL(started.origin).port, POSTERN_PUBLIC_ORIGIN: started.origin }
      const tenant = await createTenant(started)
      const client = await tenant.client()
      await started.close()

      const startWith = (keys: string) =>
        startTestServer(store, { variables: { ...variables, POSTERN_MASTER_KEYS: keys }, environment })
      const neededBy = async ({ operations }: TestServer) => (await send(`${operations}/readyz`)).json.master_keys
      const both = await startWith(`${second},${first}`)
      expect(await neededBy(both)).toBe('unknown')
      await both.runJob('re-encrypt')
      // Hashes of secrets that were made under the old one still need it.
      expect(await neededBy(both)).toBe('old')
      expect((await tenant.tokenAnswer(client)).status).toBe(200)
      const renewed = await newSecret(both, tenant.id, client.id)
      await both.close()

      const alone = await startWith(second)
      await alone.runJob('re-encrypt')
      expect(await neededBy(alone)).toBe('missing')
      expect((await tenant.tokenAnswer(renewed)).status).toBe(200)
      expect((await tenant.tokenAnswer(client)).status).toBe(401)
      await alone.close()
    },
    severalStarts,
  )
})
