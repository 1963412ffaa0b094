import { pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createOutgoingClient } from '../../src/outgoing/client.ts'
import { createDnsResolve, systemResolve } from '../../src/outgoing/resolve.ts'
import { type NameServer, startNameServer } from '../support/name-server.ts'

type Answer = Parameters<typeof startNameServer>[0]

async function withServer(answer: Answer, work: (server: NameServer) => Promise<void>): Promise<void> {
  const server = await startNameServer(answer)
  try {
    await work(server)
  } finally {
    await server.close()
  }
}

const family =
  (a: string[], aaaa: string[]): Answer =>
  (_name, type) =>
    type === 'A' ? a : aaaa

describe('names', () => {
  test.each<[string, string[], string[]]>([
    ['both kinds of addresses', ['192.0.2.1', '192.0.2.2'], ['2001:db8:0:0:0:0:0:1']],
    ['IPv4 only', ['192.0.2.1'], []],
    ['IPv6 only', [], ['2001:db8:0:0:0:0:0:1']],
  ])('with %s', (_what, a, aaaa) =>
    withServer(family(a, aaaa), async ({ address }) => {
      const found = await createDnsResolve([address])('keys.example')
      expect(found).toEqual([...a, ...aaaa.map(() => '2001:db8::1')])
    }),
  )

  test('that have no address are an error', () =>
    withServer(family([], []), async ({ address }) => {
      await expect(createDnsResolve([address])('keys.example')).rejects.toThrow(/ENODATA|ENOTFOUND/)
    }))

  test('of this machine’s hosts file are not known to name servers', () =>
    withServer(family([], []), async ({ address }) => {
      expect(await systemResolve('localhost')).toContain('127.0.0.1')
      await expect(createDnsResolve([address])('localhost')).rejects.toThrow()
    }))
})

describe('server-side request forgery by name', () => {
  test.each<[string, string[], string[]]>([
    ['loopback', ['127.0.0.1'], []],
    ['IPv6 loopback', [], ['0:0:0:0:0:0:0:1']],
    ['a mapped address', [], ['0:0:0:0:0:ffff:7f00:1']],
    ['metadata of a cloud', ['169.254.169.254'], []],
    ['a public address of one kind and a private one of the other', ['1.1.1.1'], ['fd00:0:0:0:0:0:0:1']],
  ])('a name that leads to %s is not connected to', (_what, a, aaaa) =>
    withServer(family(a, aaaa), async ({ address, asked }) => {
      const client = createOutgoingClient({ allowPrivate: false, resolve: createDnsResolve([address]) })
      const attempt = client.fetchJson('https://keys.example/jwks')
      await expect(attempt).rejects.toMatchObject({ reason: 'forbidden_address' })
      expect(new Set(asked)).toEqual(new Set(['A keys.example', 'AAAA keys.example']))
      await client.close()
    }),
  )
})

test('silent name servers hold none of the threads that also sign tokens', () =>
  withServer(
    () => undefined,
    async ({ address }) => {
      const resolve = createDnsResolve([address])
      const begun = performance.now()
      const waiting = Promise.allSettled(Array.from({ length: 32 }, (_, index) => resolve(`${index}.example`)))
      await promisify(pbkdf2)('password', 'salt', 1, 32, 'sha256')
      expect(performance.now() - begun).toBeLessThan(1_000)
      const settled = await waiting
      expect(settled.every(({ status }) => status === 'rejected')).toBe(true)
      expect(performance.now() - begun).toBeLessThan(8_000)
    },
  ))
