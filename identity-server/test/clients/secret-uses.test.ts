import { describe, expect, test } from 'vitest'
import { createSecretUses } from '../../src/clients/secret-uses.ts'
import { StoreError } from '../../src/store/errors.ts'
import { databases } from '../support/databases.ts'
import { startTestServer } from '../support/server.ts'
import { createTenant } from '../support/tenant.ts'

describe.each(databases)('last uses of secrets on $kind', ({ start }) => {
  test('are written once for many, skip what is gone, never go back, and survive a failure', async () => {
    const store = await start()
    const server = await startTestServer(store)
    const tenant = await createTenant(server)
    const client = await tenant.client()
    const path = `/auth-servers/${tenant.id}/clients/${client.id}/secrets`
    const items = async () => {
      const { items } = (await server.admin('GET', path)).json
      return Array.isArray(items) ? items : []
    }
    const [{ id, last_used_at: before }] = await items()
    expect(before).toBeNull()
    await server.close()

    const db = await store.open(server.variables)
    try {
      const uses = createSecretUses(db)
      const lastUse = async () =>
        (
          await db.read({ authServer: tenant.id }, (tx) =>
            tx.selectFrom('client_secret_uses').select('last_used_at').executeTakeFirst(),
          )
        )?.last_used_at.getTime()
      uses.note(tenant.id, id, 1_000)
      uses.note(tenant.id, id, 5_000)
      uses.note(tenant.id, 'deleted-meanwhile', 5_000)
      uses.note('no-such-auth-server', id, 5_000)
      await uses.flush()
      expect(await lastUse()).toBe(5_000)
      uses.note(tenant.id, id, 4_000)
      await uses.flush()
      expect(await lastUse()).toBe(5_000)

      let down = true
      const flaky = createSecretUses({
        ...db,
        commit: (who, work) =>
          down ? Promise.reject(new StoreError('unavailable', new Error('down'))) : db.commit(who, work),
      })
      flaky.note(tenant.id, id, 9_000)
      await expect(flaky.flush()).rejects.toThrow(StoreError)
      down = false
      await flaky.flush()
      expect(await lastUse()).toBe(9_000)
    } finally {
      await db.close()
      await store.stop()
    }
  })
})
