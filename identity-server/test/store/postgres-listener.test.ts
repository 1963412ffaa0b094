import { connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listenOn } from '../../src/store/postgres-listener.ts'
import { postgresOnly, type Store } from '../support/databases.ts'

describe.each(postgresOnly)('a listener on $kind', ({ start }) => {
  let store: Store
  beforeAll(async () => {
    store = await start()
  })
  afterAll(() => store?.stop())

  test('notices a connection that went silent, once', async () => {
    const { DATABASE_URL = '' } = await store.create()
    const between = await silencer(DATABASE_URL)
    const { promise: lost, resolve } = Promise.withResolvers<void>()
    let losses = 0
    const listen = listenOn({ connectionString: between.url, query_timeout: 300 }, 50)
    const stop = await listen(
      () => undefined,
      () => {
        losses += 1
        resolve()
      },
    )
    try {
      between.fallSilent()
      await lost
      await stop()
      expect(losses).toBe(1)
    } finally {
      await between.close()
    }
  })
})

/** Stands before a database, and can stop passing anything on without closing a connection: a firewall that forgets. */
async function silencer(databaseUrl: string): Promise<{ url: string; fallSilent(): void; close(): Promise<void> }> {
  const database = new URL(databaseUrl)
  const sockets: Socket[] = []
  const server = createServer((client) => {
    const onward = connect(Number(database.port), database.hostname)
    client.pipe(onward).pipe(client)
    for (const socket of [client, onward]) sockets.push(socket.on('error', () => undefined))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = new URL(databaseUrl)
  url.port = String(typeof address === 'object' && address ? address.port : '')
  return {
    url: url.href,
    fallSilent: () => {
      for (const socket of sockets) socket.unpipe().pause()
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
