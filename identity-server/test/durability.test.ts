/** What was acknowledged survives the sudden end of the process, and on PostgreSQL of the database as well. */
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { adminAt, childAdmin, startChildServer } from './support/child-server.ts'
import { databases } from './support/databases.ts'
import { type Credentials, postForm, send } from './support/http.ts'
import { createLedger, type Ledger } from './support/ledger.ts'

const rounds = 8
const writers = 4
/** Rounds in which, on PostgreSQL, the database crashes in place of the server. */
const databaseCrashes = new Set([2, 5])

describe.each(databases)('a crash on $kind', ({ start }) => {
  test('loses nothing that was acknowledged and leaves nothing half-written', async () => {
    const store = await start()
    const variables = await store.create()
    const ledger = createLedger()
    let server = await startChildServer(variables)
    try {
      let tokens = 0
      for (let round = 0; round < rounds; round += 1) {
        const api = await connectAdmin(server.origin)
        const stop = new AbortController()
        const before = ledger.acknowledged()
        const writing = Array.from({ length: writers }, (_, writer) =>
          keepWriting(api, ledger, `r${round}w${writer}`, stop.signal),
        )
        // The crash comes at any moment of a write, but after some were acknowledged.
        while (ledger.acknowledged() < before + 12) await delay(5)
        await delay(Math.random() * 150)
        if (store.postgres && databaseCrashes.has(round)) {
          await store.postgres.crash()
          stop.abort()
          await Promise.all(writing)
          await store.postgres.restart()
          await ready(server.origin).catch((error: unknown) => {
            throw new Error(`the server did not recover:\n${server.process.output()}`, { cause: error })
          })
        } else {
          await server.process.stop('SIGKILL')
          stop.abort()
          await Promise.all(writing)
          server = await startChildServer(variables, server.origin)
        }
        const again = await connectAdmin(server.origin)
        expect(await ledger.compare((key) => again.find(key))).toEqual([])
        const told = await replayAuditLog(again)
        const tells = async (key: string) => (key.startsWith('row ') ? told.get(key.slice(4)) : again.find(key))
        expect(await ledger.compare(tells)).toEqual([])
        tokens += await everyAuthServerIsWhole(again, server.origin)
      }
      expect(ledger.acknowledged()).toBeGreaterThan(rounds * 12)
      expect(tokens).toBeGreaterThan(rounds)
    } finally {
      await server.process.stop('SIGKILL')
      await store.stop()
    }
    // A quarter of a minute on a machine of its own; on one that is shared, each of its many starts takes several times as long.
  }, 240_000)
})

interface AdminClient {
  origin: string
  call(method: string, path: string, body?: unknown): Promise<{ status: number; json: Record<string, unknown> }>
  /** The stored value of a ledger key. */
  find(key: string): Promise<string | undefined>
}

async function connectAdmin(origin: string): Promise<AdminClient> {
  const { admin: call } = await adminAt(origin)
  return { origin, call, find: (key) => find(origin, call, key) }
}

async function find(origin: string, call: AdminClient['call'], key: string): Promise<string | undefined> {
  const [kind, path = '', secret = '', token = ''] = key.split(' ')
  if (kind === 'row') {
    const answer = await call('GET', path)
    if (answer.status !== 200 && answer.status !== 404) throw new Error(`${key} answered ${answer.status}`)
    return answer.status === 200 ? String(answer.json.name) : undefined
  }
  if (kind === 'end') return findEnd(call, path, secret)
  // The client is named like its auth server.
  const issuer = `${origin}/${path}`
  const client = { id: path, secret }
  if (kind === 'secret') {
    const { status } = await postForm(`${issuer}/token`, { grant_type: 'client_credentials' }, client)
    return status === 200 ? 'valid' : undefined
  }
  const { json } = await postForm(`${issuer}/introspect`, { token }, client)
  return json.active === false ? 'revoked' : undefined
}

/** Whether the client is enabled, and whether its end is among the revocations: one never without the other. */
async function findEnd(call: AdminClient['call'], authServer: string, client: string): Promise<string | undefined> {
  const { status, json } = await call('GET', `/auth-servers/${authServer}/clients/${client}`)
  if (status === 404) return undefined
  const { items } = (await call('GET', `/auth-servers/${authServer}/revocations?limit=999`)).json
  const ends = (Array.isArray(items) ? items : []).filter(({ kind, value }) => kind === 'client' && value === client)
  return endOf(json.enabled === true, ends.length > 0)
}

function endOf(enabled: boolean, revoked: boolean): string {
  return `${enabled ? 'enabled' : 'disabled'}, ${revoked ? 'revoked' : 'in force'}`
}

/** One writer: creates, changes, deletes and revokes, on rows of its own, until something fails or it is told to stop. */
async function keepWriting(api: AdminClient, ledger: Ledger, name: string, signal: AbortSignal): Promise<void> {
  const accepts = (method: string, path: string, body?: unknown) => async () =>
    (await api.call(method, path, body)).status < 300
  const row = (path: string, value: string | undefined, method: string, body?: unknown, at = path) =>
    ledger.write(`row ${path}`, value, accepts(method, at, body))

  for (let count = 0; !signal.aborted; count += 1) {
    const id = `${name}n${count}`
    const authServer = `/auth-servers/${id}`
    const client = `${authServer}/clients/${id}`
    const body = { id, organization_id: 'root', name: id, audience: 'urn:test' }
    const steps = [
      () => row(authServer, id, 'POST', body, '/auth-servers'),
      () => row(client, id, 'POST', { id, name: id }, `${authServer}/clients`),
      () => secretAndRevocation(api, ledger, id, client),
      () => row(`${client}x`, id, 'POST', { id: `${id}x`, name: id }, `${authServer}/clients`),
      () => row(client, `${id} changed`, 'PATCH', { name: `${id} changed` }),
      () => row(`${client}x`, undefined, 'DELETE'),
      () => row(`${client}y`, id, 'POST', { id: `${id}y`, name: id }, `${authServer}/clients`),
      () => ledger.write(`end ${id} ${id}y`, endOf(true, false), async () => true),
      () => ledger.write(`end ${id} ${id}y`, endOf(false, true), accepts('PATCH', `${client}y`, { enabled: false })),
    ]
    for (const step of steps) if (signal.aborted || !(await step())) return
  }
}

async function secretAndRevocation(api: AdminClient, ledger: Ledger, id: string, client: string): Promise<boolean> {
  const answer = await api.call('POST', `${client}/secrets`, { name: id }).catch(() => undefined)
  if (answer?.status !== 201) return false
  const credentials: Credentials = { id, secret: String(answer.json.secret) }
  await ledger.write(`secret ${id} ${credentials.secret}`, 'valid', async () => true)
  const issuer = `${api.origin}/${id}`
  const revokeOne = async () => {
    const issued = await postForm(`${issuer}/token`, { grant_type: 'client_credentials' }, credentials)
    const token = String(issued.json.access_token)
    return ledger.write(`token ${id} ${credentials.secret} ${token}`, 'revoked', async () => {
      return (await postForm(`${issuer}/revoke`, { token }, credentials)).status === 200
    })
  }
  const revoked = await Promise.all(Array.from({ length: 5 }, () => revokeOne().catch(() => false)))
  return revoked.every((done) => done)
}

/** What the audit log, played from its beginning, says is there: names by path. It has each change, and no other. */
async function replayAuditLog(api: AdminClient): Promise<Map<string, string>> {
  const entries: { target: string; action: string; changes: { name?: { to?: string } } }[] = []
  for (let after = ''; ; ) {
    const { json } = await api.call('GET', `/audit-log?limit=999${after}`)
    entries.push(...(Array.isArray(json.items) ? json.items : []))
    if (json.next === null) break
    after = `&after=${json.next}`
  }
  const names = new Map<string, string>()
  for (const { target, action, changes } of entries.toReversed()) {
    if (action.endsWith('.deleted')) names.delete(target)
    else if (changes.name?.to !== undefined) names.set(target, changes.name.to)
  }
  return names
}

/** Each auth server that is there has its signing key: creating both is one write. @returns how many there are */
async function everyAuthServerIsWhole(api: AdminClient, origin: string): Promise<number> {
  const { json } = await api.call('GET', '/auth-servers?limit=999')
  const ids = (Array.isArray(json.items) ? json.items : []).map((item) => String(item.id))
  for (const id of ids) {
    const { json: jwks } = await send(`${origin}/${id}/jwks`)
    expect([id, jwks.keys]).toEqual([id, [expect.objectContaining({ alg: 'ES256' })]])
  }
  return ids.length
}

/** Waits until the server has recovered by itself. */
async function ready(origin: string): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const answer = await postForm(`${origin}/system/token`, { grant_type: 'client_credentials' }, childAdmin)
    const { status } = await send(`${origin}/admin/v1/organizations`, {
      headers: { authorization: `Bearer ${answer.json.access_token}` },
    })
    if (status === 200) return
    if (Date.now() > deadline) throw new Error(`not recovered: ${answer.status}, ${status}`)
    await delay(50)
  }
}
