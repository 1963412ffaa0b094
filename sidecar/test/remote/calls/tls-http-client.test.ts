import { createServer, type Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { createCertificateAuthority, selfSign } from '@postern/tools/certificates'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkTlsMaterial, createTlsHttpClient, type TlsMaterial } from '../../../src/remote/calls/tls-http-client.ts'

let authority: Awaited<ReturnType<typeof createCertificateAuthority>>
let server: Server
let url = ''
let held = Promise.withResolvers<void>()

/** Answers with the name in the client's certificate; at `/held` only when the test lets go. */
beforeAll(async () => {
  authority = await createCertificateAuthority()
  const own = await authority.issue({ subject: '/CN=localhost', subjectAltName: 'DNS:localhost' })
  server = createServer({ ...own, requestCert: true, rejectUnauthorized: false }, async (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate()
    if (request.url === '/held') await held.promise
    response.end(JSON.stringify({ name: subject?.CN ?? null, port: request.socket.remotePort }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `https://localhost:${typeof address === 'object' ? address?.port : ''}`
})

afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await authority.remove()
})

function clientWith(material: TlsMaterial) {
  let current = material
  const client = createTlsHttpClient({ current: () => current, reread: () => false })
  return {
    get: async (path = '/') => (await client.send({ method: 'GET', url: url + path, timeoutMs: 2_000 })).json,
    change: (to: TlsMaterial) => {
      current = to
    },
    close: client.close,
  }
}

describe('an HTTP client with material of its own', () => {
  test('trusts the authority that it is given, and shows its certificate', async () => {
    const alice = await authority.issue({ subject: '/CN=alice' })
    const { get, close } = clientWith({ ...alice, ca: authority.cert })
    expect(await get()).toMatchObject({ name: 'alice' })
    await close()
  })

  test('trusts nobody else', async () => {
    const { get, close } = clientWith(await authority.issue({ subject: '/CN=alice' }))
    await expect(get()).rejects.toThrow()
    const other = clientWith({ ca: (await selfSign({ subject: '/CN=other' })).cert })
    await expect(other.get()).rejects.toThrow()
    await Promise.all([close(), other.close()])
  })

  test('takes new connections when the certificate changes, and what is under way ends on the old one', async () => {
    const [alice, bob] = [await authority.issue({ subject: '/CN=alice' }), await selfSign({ subject: '/CN=bob' })]
    const { get, change, close } = clientWith({ ...alice, ca: authority.cert })
    const underWay = get('/held')
    change({ ...bob, ca: authority.cert })
    expect(await get()).toMatchObject({ name: 'bob' })
    held.resolve()
    held = Promise.withResolvers()
    expect(await underWay).toMatchObject({ name: 'alice' })
    await close()
  })

  test('is not given a certificate with the key of another, or what is none', async () => {
    const [alice, bob] = [await selfSign({ subject: '/CN=alice' }), await selfSign({ subject: '/CN=bob' })]
    expect(() => checkTlsMaterial({ cert: alice.cert, key: bob.key })).toThrow('belong together')
    expect(() => checkTlsMaterial({ ca: 'hidden' })).toThrow(/^(?!.*hidden)/)
    expect(checkTlsMaterial(alice)).toBe(alice)
  })
})
