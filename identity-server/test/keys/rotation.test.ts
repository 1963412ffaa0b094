/** The life of keys on both stores, driven by the functions that jobs and the admin API call, with a clock of our own. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dueSteps, publishedForMs, retiredForMs } from '../../src/keys/lifecycle.ts'
import { createMasterKeys, generateMasterKey, type MasterKeys } from '../../src/keys/master-keys.ts'
import { advanceIdleKeys, advanceKeys, revokeKey, rotateKeys } from '../../src/keys/rotation.ts'
import { createSigningKey } from '../../src/keys/signing-keys.ts'
import { deleteAuthServer, findAuthServer, insertAuthServer, updateAuthServer } from '../../src/store/auth-servers.ts'
import type { Database, Tx } from '../../src/store/database.ts'
import { insertOrganization } from '../../src/store/organizations.ts'
import {
  insertSigningKey,
  listAuthServersWithDueKeys,
  listSigningKeys,
  type SigningKeyRow,
} from '../../src/store/signing-keys.ts'
import { databases, type Store, type StoreVariables } from '../support/databases.ts'

const minute = 60_000
const day = 86_400_000
const start = Date.parse('2030-01-01')
const masterKeys = createMasterKeys([generateMasterKey()])

describe.each(databases)('the life of signing keys on $kind', ({ start: startStore }) => {
  let store: Store
  let variables: StoreVariables
  let db: Database
  let count = 0

  beforeAll(async () => {
    store = await startStore()
    variables = await store.create()
    db = await store.open(variables)
    const root = { id: 'root', parent_id: null, ancestors: ['root'], name: 'Root' }
    await db.write({ organization: 'root' }, (tx) => insertOrganization(tx, root))
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  /** A new auth server with its first key, made at `start`. */
  async function newAuthServer(key_rotation_interval: number | null = 90 * 86_400): Promise<string> {
    count += 1
    const id = `as-${count}`
    await db.write({ organization: 'root', authServer: id }, async (tx) => {
      const row = { id, organization_id: 'root', name: id, description: '', audience: id, access_token_lifetime: 60 }
      await insertAuthServer(tx, { ...row, signing_algorithm: 'ES256', key_rotation_interval })
      await createSigningKey(tx, id, masterKeys, 'ES256', { state: 'active', activatesAt: start })
    })
    return id
  }

  const write = <T>(id: string, work: (tx: Tx) => Promise<T>) => db.write({ authServer: id }, work)
  const advance = (id: string, now: number) => write(id, (tx) => advanceKeys(tx, id, masterKeys, now))
  const rotate = (id: string, now: number, immediately = false) =>
    write(id, (tx) => rotateKeys(tx, id, masterKeys, now, immediately))
  const revoke = (id: string, kid: string, now: number) => write(id, (tx) => revokeKey(tx, id, masterKeys, now, kid))
  const change = (id: string, members: { signing_algorithm?: string; key_rotation_interval?: number | null }) =>
    db.write({ organization: 'root', authServer: id }, (tx) => updateAuthServer(tx, id, members))
  const keysOf = (id: string) => db.read({ authServer: id }, (tx) => listSigningKeys(tx, id))
  const statesOf = async (id: string) => (await keysOf(id)).map(({ state }) => state)
  const kidOf = (keys: SigningKeyRow[], state: SigningKeyRow['state']) =>
    keys.find((key) => key.state === state)?.kid ?? ''
  const due = (now: number) =>
    db.read('maintenance', (tx) =>
      listAuthServersWithDueKeys(tx, now, publishedForMs, { after: undefined, limit: 1e6 }),
    )

  test('next, active, retired, removed: each at its time', async () => {
    const id = await newAuthServer()
    const first = kidOf(await keysOf(id), 'active')
    const publishedAt = start + 90 * day - publishedForMs
    await advance(id, publishedAt - 1)
    expect(await statesOf(id)).toEqual(['active'])

    await advance(id, publishedAt)
    expect(await statesOf(id)).toEqual(['active', 'next'])
    const second = kidOf(await keysOf(id), 'next')
    await advance(id, publishedAt + publishedForMs - 1)
    expect(kidOf(await keysOf(id), 'active')).toBe(first)

    const takenOver = publishedAt + publishedForMs
    await advance(id, takenOver)
    const keys = await keysOf(id)
    expect([kidOf(keys, 'active'), kidOf(keys, 'retired')]).toEqual([second, first])
    expect(keys[1]).toMatchObject({ retired_at: new Date(takenOver), removes_at: new Date(takenOver + retiredForMs) })

    await advance(id, takenOver + retiredForMs - 1)
    expect(await statesOf(id)).toEqual(['active', 'retired'])
    await advance(id, takenOver + retiredForMs)
    expect(await statesOf(id)).toEqual(['active'])
  })

  test('a server that was away does not skip a step: what was not published does not sign', async () => {
    const id = await newAuthServer()
    const back = start + 1_000 * day
    await advance(id, back)
    expect(await statesOf(id)).toEqual(['active', 'next'])
    await advance(id, back + publishedForMs - 1)
    expect(await statesOf(id)).toEqual(['active', 'next'])
    await advance(id, back + publishedForMs)
    expect(await statesOf(id)).toEqual(['active', 'retired'])
  })

  test('another algorithm comes without a gap, and a change of mind in between costs nothing', async () => {
    const id = await newAuthServer(null)
    const first = kidOf(await keysOf(id), 'active')
    await change(id, { signing_algorithm: 'RS256' })
    await advance(id, start)
    await change(id, { signing_algorithm: 'EdDSA' })
    await advance(id, start + minute)
    const keys = await keysOf(id)
    expect(keys.map(({ state, algorithm }) => [state, algorithm])).toEqual([
      ['active', 'ES256'],
      ['next', 'EdDSA'],
    ])
    await advance(id, start + publishedForMs)
    expect(kidOf(await keysOf(id), 'active')).toBe(first)
    await advance(id, start + minute + publishedForMs)
    expect((await keysOf(id)).map(({ state, algorithm }) => [state, algorithm])).toEqual([
      ['active', 'EdDSA'],
      ['retired', 'ES256'],
    ])
    await change(id, { signing_algorithm: 'RS256' })
    await advance(id, start + 2 * publishedForMs)
    await change(id, { signing_algorithm: 'EdDSA' })
    await advance(id, start + 2 * publishedForMs)
    expect(await statesOf(id)).toEqual(['active', 'retired'])
  })

  test('a rotation on demand joins the one that has begun, and can be made to end at once', async () => {
    const id = await newAuthServer(null)
    const next = await rotate(id, start)
    expect(next).toMatchObject({ state: 'next', activates_at: new Date(start + publishedForMs) })
    expect((await rotate(id, start + minute))?.kid).toBe(next?.kid)
    const active = await rotate(id, start + 2 * minute, true)
    expect(active).toMatchObject({ kid: next?.kid, state: 'active', activates_at: new Date(start + 2 * minute) })
    expect(await statesOf(id)).toEqual(['active', 'retired'])
    const another = await rotate(id, start + 3 * minute, true)
    expect(another?.kid).not.toBe(next?.kid)
    expect(await statesOf(id)).toEqual(['active', 'retired', 'retired'])

    // Asked for at the very moment: the key that was due is the one, not yet another.
    const due = await rotate(id, start + day)
    const takenOver = await rotate(id, start + day + publishedForMs, true)
    expect(takenOver).toMatchObject({ kid: due?.kid, state: 'active' })
  })

  test('a revoked key is gone, and the next one, or a new one, signs in its place', async () => {
    const id = await newAuthServer(null)
    const [first] = await keysOf(id)
    expect(await revoke(id, first?.kid ?? '', start)).toBe(true)
    const [second, ...none] = await keysOf(id)
    expect([second?.state, second?.kid === first?.kid, none]).toEqual(['active', false, []])
    expect(await revoke(id, first?.kid ?? '', start)).toBe(false)

    const next = await rotate(id, start)
    await revoke(id, second?.kid ?? '', start + minute)
    expect(await keysOf(id)).toMatchObject([
      { kid: next?.kid, state: 'active', activates_at: new Date(start + minute) },
    ])

    // The next key is due at the very moment: it takes over once, and does not give way to a third.
    const last = await rotate(id, start + day)
    await revoke(id, next?.kid ?? '', start + day + publishedForMs)
    expect(await keysOf(id)).toMatchObject([{ kid: last?.kid, state: 'active' }])
  })

  test('a next key of another algorithm, awaited, takes over from a revoked one; one no longer wanted does not', async () => {
    const id = await newAuthServer(null)
    await change(id, { signing_algorithm: 'ES384' })
    await advance(id, start)
    await revoke(id, kidOf(await keysOf(id), 'active'), start)
    expect(await keysOf(id)).toMatchObject([{ state: 'active', algorithm: 'ES384' }])

    await rotate(id, start)
    await change(id, { signing_algorithm: 'EdDSA' })
    await revoke(id, kidOf(await keysOf(id), 'active'), start)
    expect(await keysOf(id)).toMatchObject([{ state: 'active', algorithm: 'EdDSA' }])
  })

  test('a revoked next key is replaced where one is due, a revoked retired key is not', async () => {
    const id = await newAuthServer()
    const now = start + 90 * day
    await advance(id, now)
    const next = kidOf(await keysOf(id), 'next')
    await revoke(id, next, now)
    const keys = await keysOf(id)
    expect(keys.map(({ state }) => state)).toEqual(['active', 'next'])
    expect(kidOf(keys, 'next')).not.toBe(next)
    await rotate(id, now, true)
    await revoke(id, kidOf(await keysOf(id), 'retired'), now)
    expect(await statesOf(id)).toEqual(['active'])
  })

  test('replicas and admins at once make one next key, and one active', async () => {
    const replica = store.kind === 'postgres' ? await store.open(variables) : db
    const id = await newAuthServer()
    const now = start + 90 * day
    const everybody = (work: (tx: Tx) => Promise<unknown>) =>
      Promise.all(Array.from({ length: 12 }, (_, index) => (index % 2 ? db : replica).write({ authServer: id }, work)))
    await everybody((tx) => advanceKeys(tx, id, masterKeys, now))
    expect(await statesOf(id)).toEqual(['active', 'next'])
    await everybody((tx) => rotateKeys(tx, id, masterKeys, now, false))
    expect(await statesOf(id)).toEqual(['active', 'next'])
    await everybody((tx) => advanceIdleKeys(tx, id, masterKeys, now + publishedForMs))
    expect(await statesOf(id)).toEqual(['active', 'retired'])
    const active = kidOf(await keysOf(id), 'active')
    await everybody((tx) => revokeKey(tx, id, masterKeys, now, active))
    expect(await statesOf(id)).toEqual(['active', 'retired'])
    if (replica !== db) await replica.close()
  })

  test('a failure between two steps leaves the keys as they were', async () => {
    const id = await newAuthServer()
    const before = await keysOf(id)
    const failing: MasterKeys = {
      ...masterKeys,
      encrypt() {
        throw new Error('crash')
      },
    }
    const attempts: ((tx: Tx) => Promise<unknown>)[] = [
      (tx) => revokeKey(tx, id, failing, start, kidOf(before, 'active')),
      (tx) => rotateKeys(tx, id, failing, start, true),
      (tx) => advanceKeys(tx, id, failing, start + 90 * day),
      async (tx) => {
        await rotateKeys(tx, id, masterKeys, start, true)
        throw new Error('crash')
      },
    ]
    for (const attempt of attempts) {
      await expect(write(id, attempt)).rejects.toThrow('crash')
      expect(await keysOf(id)).toEqual(before)
    }
  })

  test('the database itself refuses a second active key, a second next one, and a retired one without an end', async () => {
    const id = await newAuthServer()
    await rotate(id, start)
    const [row] = await keysOf(id)
    if (!row) throw new Error('no key')
    const { auth_server_id: _, created_at: __, updated_at: ___, ...members } = row
    const insert = (more: Partial<SigningKeyRow>) =>
      write(id, (tx) => insertSigningKey(tx, id, { ...members, kid: 'another', ...more }))
    await expect(insert({ state: 'active' })).rejects.toMatchObject({ kind: 'conflict' })
    await expect(insert({ state: 'active', algorithm: 'RS256' })).rejects.toMatchObject({ kind: 'conflict' })
    await expect(insert({ state: 'next' })).rejects.toMatchObject({ kind: 'conflict' })
    await expect(insert({ state: 'retired' })).rejects.toMatchObject({ kind: 'invalid_value' })
    await expect(change(id, { key_rotation_interval: 60 })).rejects.toMatchObject({ kind: 'invalid_value' })
    await expect(change(id, { signing_algorithm: 'none' })).rejects.toMatchObject({ kind: 'invalid_value' })
  })

  test('an auth server that is gone, or not seen, has no keys to advance, rotate or revoke', async () => {
    const id = await newAuthServer()
    const [key] = await keysOf(id)
    await db.write({ organization: 'root' }, (tx) => deleteAuthServer(tx, id))
    await advance(id, start + 90 * day)
    expect(await rotate(id, start)).toBeUndefined()
    expect(await revoke(id, key?.kid ?? '', start)).toBe(false)
    const [mine, other] = [await newAuthServer(), await newAuthServer()]
    const [foreign] = await keysOf(other)
    await write(mine, async (tx) => {
      expect(await rotateKeys(tx, other, masterKeys, start, true)).toBeUndefined()
      expect(await revokeKey(tx, other, masterKeys, start, foreign?.kid ?? '')).toBe(false)
    })
    expect(await keysOf(other)).toEqual([foreign])
  })

  test('maintenance finds exactly those whose keys are due, and can see no key', async () => {
    const ids = [await newAuthServer(), await newAuthServer(null), await newAuthServer(3_600)]
    const now = start + 90 * day - publishedForMs
    const found = async (at: number) => (await due(at)).filter((id) => ids.includes(id))
    expect(await found(start)).toEqual([])
    expect(await found(start + 3_600_000 - publishedForMs)).toEqual([ids[2]])
    expect(await found(now - 1)).toEqual([ids[2]])
    expect(await found(now)).toEqual([ids[0], ids[2]].toSorted())

    const attempts: ((tx: Tx) => Promise<unknown>)[] = [
      (tx) => tx.selectFrom('signing_keys').select('private_key').execute(),
      (tx) => tx.selectFrom('signing_keys').select('kid').execute(),
      (tx) => tx.selectFrom('signing_keys').selectAll().execute(),
      (tx) => tx.selectFrom('client_secrets').select('hash').execute(),
      (tx) => tx.updateTable('signing_keys').set({ state: 'next' }).execute(),
      (tx) => tx.deleteFrom('signing_keys').execute(),
      (tx) => tx.updateTable('auth_servers').set({ key_rotation_interval: null }).execute(),
    ]
    for (const attempt of attempts) {
      await expect(db.commit('maintenance', attempt)).rejects.toMatchObject({ kind: 'unknown_reference' })
    }
  })

  test('whatever happens: one active key, at most one next, none signs unknown, none goes too early', async () => {
    const event: fc.Arbitrary<Event> = fc.oneof(
      fc.record({ wait: fc.integer({ min: 1, max: 30 * minute }) }),
      fc.record({ wait: fc.integer({ min: 1, max: 2 * day }) }),
      fc.constantFrom(...plannedEvents, ...suddenEvents),
    )
    const happen = async (id: string, each: Exclude<Event, object>, now: number) => {
      if (each === 'advance') return advance(id, now)
      if (each === 'rotate') return rotate(id, now)
      if (each === 'rotate immediately') return rotate(id, now, true)
      if (each === 'revoke the active key') return revoke(id, kidOf(await keysOf(id), 'active'), now)
      await change(id, { signing_algorithm: each })
      return advance(id, now)
    }
    const isDue = async (id: string, keys: SigningKeyRow[], now: number) => {
      const settings = await db.read({ authServer: id }, (tx) => findAuthServer(tx, id))
      if (!settings) throw new Error('no auth server')
      const { remove, activate, publish } = dueSteps(keys, settings, now)
      return remove.length > 0 || activate !== undefined || publish
    }
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 25 }), async (events) => {
        const id = await newAuthServer(2 * 86_400)
        const witness = createWitness(await keysOf(id))
        let now = start
        for (const each of events) {
          if (typeof each === 'object') now += each.wait
          else await happen(id, each, now)
          const keys = await keysOf(id)
          expect(witness.contradictions(each, keys, now)).toEqual([])
          expect((await due(now)).includes(id)).toBe(await isDue(id, keys, now))
        }
      }),
      { numRuns: 6, endOnFailure: true },
    )
  }, 60_000)
})

const plannedEvents = ['advance', 'rotate', 'ES256', 'EdDSA'] as const
const suddenEvents = ['rotate immediately', 'revoke the active key'] as const
type Event = { wait: number } | (typeof plannedEvents)[number] | (typeof suddenEvents)[number]

/** Watches an auth server's keys, as verifiers and holders of tokens see them. */
function createWitness(first: readonly SigningKeyRow[]) {
  let before = first
  const publishedAt = new Map(first.map(({ kid }) => [kid, start]))
  const signedLast = new Map<string, number>()
  const withState = (keys: readonly SigningKeyRow[], state: SigningKeyRow['state']) =>
    keys.filter((key) => key.state === state)

  /** Whether a key that is gone had to stay. */
  const isMissed = ({ kid, state }: SigningKeyRow, event: Event, now: number) => {
    if (state === 'next') return signedLast.has(kid)
    if (state === 'active') return event !== 'revoke the active key'
    return now - (signedLast.get(kid) ?? now) < retiredForMs
  }

  /** Whether another key signs now, though it has not been published for long enough. */
  const signsUnknown = (active: SigningKeyRow | undefined, event: Event, now: number) => {
    if (suddenEvents.some((one) => one === event)) return false
    if (withState(before, 'active').some(({ kid }) => kid === active?.kid)) return false
    return now - (publishedAt.get(active?.kid ?? '') ?? now) < publishedForMs
  }

  return {
    contradictions(event: Event, keys: readonly SigningKeyRow[], now: number): string[] {
      for (const { kid } of keys) publishedAt.set(kid, publishedAt.get(kid) ?? now)
      // Until this moment it may have signed.
      for (const { kid } of withState(before, 'active')) signedLast.set(kid, now)
      const [active, ...more] = withState(keys, 'active')
      const gone = before.filter(({ kid }) => !keys.some((key) => key.kid === kid))
      const found = [
        !active || more.length > 0 ? 'not one active key' : '',
        withState(keys, 'next').length > 1 ? 'two next keys' : '',
        signsUnknown(active, event, now) ? 'a key signs that verifiers may not know' : '',
        gone.some((key) => isMissed(key, event, now)) ? 'a key is gone whose tokens are not' : '',
      ]
      before = keys
      return found.filter((sentence) => sentence !== '')
    },
  }
}
