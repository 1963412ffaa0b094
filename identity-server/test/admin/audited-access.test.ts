import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccess } from '../../src/admin/audited-access.ts'
import type { Database } from '../../src/store/database.ts'
import { insertOrganization, listOrganizations } from '../../src/store/organizations.ts'
import { databases, type Store } from '../support/databases.ts'

describe.each(databases)('a request that only reads, on $kind', ({ start }) => {
  let store: Store
  let db: Database
  beforeAll(async () => {
    store = await start()
    db = await store.open(await store.create())
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  const unasked = () => Promise.reject(new Error('not asked'))
  const row = { id: 'o', parent_id: null, ancestors: ['o'], name: 'o' }
  const access = () => {
    const admin = { organization: 'o', clientId: 'client', tokenId: 'token' }
    const deps = { db, audit: { enter: unasked }, events: { record: () => undefined } }
    return createAccess(deps)({ admin, authServer: undefined })
  }
  const organizations = () => access().read((tx) => listOrganizations(tx, { after: undefined, limit: 10 }))

  test('has no way to change anything past the audit log', async () => {
    await expect(access().change((tx) => insertOrganization(tx, row))).rejects.toThrow('only reads')
    await expect(access().read((tx) => insertOrganization(tx, row))).rejects.toThrow()
    expect(await organizations()).toEqual([])
  })
})
