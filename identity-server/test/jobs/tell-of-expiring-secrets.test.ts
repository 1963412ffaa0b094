import { describe, expect, test } from 'vitest'
import { tellOfExpiringSecrets } from '../../src/jobs/tell-of-expiring-secrets.ts'
import { insertClientSecret, updateClientSecret } from '../../src/store/client-secrets.ts'
import { databases } from '../support/databases.ts'
import { startTestServer } from '../support/server.ts'
import { createTenant } from '../support/tenant.ts'

const day = 86_400_000

describe.each(databases)('telling of client secrets that expire on $kind', ({ start }) => {
  test('two weeks, three days and a day before, once each, and anew for a new end', async () => {
    const store = await start()
    const server = await startTestServer(store)
    const tenants = [await createTenant(server), await createTenant(server)]
    const clients = await Promise.all(tenants.map((tenant) => tenant.client()))
    await server.close()
    const db = await store.open(server.variables)
    try {
      const end = Date.UTC(2030, 0, 31)
      const [first, second] = tenants.map(({ id }, index) => ({ id, client: clients[index]?.id ?? '' }))
      const add = (tenant = first, id = 'a', expiresAt = end) =>
        db.write({ authServer: tenant?.id ?? '' }, (tx) =>
          insertClientSecret(tx, tenant?.id ?? '', {
            id,
            client_id: tenant?.client ?? '',
            name: 'n',
            hash: 'h',
            hash_key: 'k',
            ciphertext: null,
            encryption_key: null,
            expires_at: new Date(expiresAt),
            expiry_told_at: null,
          }),
        )
      await add()
      await add(second, 'b', end + day)
      const told: unknown[] = []
      const job = tellOfExpiringSecrets(db, {
        record: (authServer, event) => void told.push([authServer, Object(event).secret_id, Object(event).client_id]),
      })
      const run = async (now: number) => {
        told.length = 0
        await Promise.all([job.run(now, AbortSignal.timeout(20_000)), job.run(now, AbortSignal.timeout(20_000))])
        return told.length
      }
      expect(await run(end - 15 * day)).toBe(0)
      expect(await run(end - 14 * day)).toBe(1)
      expect(told).toEqual([[first?.id, 'a', first?.client]])
      expect(await run(end - 14 * day + 1)).toBe(0)
      expect(await run(end - 10 * day)).toBe(1)
      expect(told).toEqual([[second?.id, 'b', second?.client]])
      expect(await run(end - 3 * day)).toBe(1)
      expect(await run(end - 2 * day)).toBe(1)
      expect(await run(end - day)).toBe(1)
      expect(await run(end - 1)).toBe(0)
      expect(await run(end)).toBe(1)
      expect(await run(end + day / 2)).toBe(0)

      const later = { expires_at: new Date(end + 100 * day) }
      await db.write({ authServer: first?.id ?? '' }, (tx) =>
        updateClientSecret(tx, first?.id ?? '', first?.client ?? '', 'a', later),
      )
      expect(await run(end + 90 * day)).toBe(1)
    } finally {
      await db.close()
      await store.stop()
    }
  })
})
