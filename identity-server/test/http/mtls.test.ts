import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Certificate, createCertificateAuthority, selfSign } from '@postern/tools/certificates'
import fastify, { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createReadCertificate } from '../../src/http/certificate.ts'
import { listenMtls, type MtlsListener, type TlsFiles } from '../../src/http/mtls.ts'
import { parseNetworks } from '../../src/networks.ts'
import { toAnswer } from '../support/http.ts'
import { createMtlsBench, createMtlsClient, type MtlsBench } from '../support/mtls.ts'
import { until } from '../support/wait.ts'

describe('the TLS port', () => {
  let bench: MtlsBench
  let app: FastifyInstance
  let listener: MtlsListener | undefined
  let proxies: string | undefined
  let closing: AbortController
  const lines: string[] = []

  beforeEach(async () => {
    bench = await createMtlsBench()
    proxies = undefined
    closing = new AbortController()
    app = fastify()
    app.get('/', async ({ raw }) => {
      const networks = proxies === undefined ? undefined : parseNetworks(proxies)
      const certificate = createReadCertificate(networks && { networks, verify: false })(raw)
      return certificate ? { subject: certificate.x509.subject, trusted: certificate.trusted } : {}
    })
  })
  afterEach(async () => {
    await listener?.close()
    listener = undefined
    await app.close()
    await bench.remove()
  })

  const files = (clientCa = true): TlsFiles => ({
    certificate: bench.environment.POSTERN_TLS_CERT_FILE ?? '',
    key: bench.environment.POSTERN_TLS_KEY_FILE ?? '',
    clientCa: clientCa ? bench.environment.POSTERN_MTLS_CLIENT_CA_FILE : undefined,
  })
  const listen = async (of = files()) => {
    const logger = pino({}, { write: (line: string) => void lines.push(line) })
    const port = Number(new URL(bench.origin).port)
    const where = { host: '127.0.0.1', port, closing: closing.signal, logger }
    listener = await listenMtls(app, { ...where, files: of, reloadEveryMs: 20 })
  }
  const ask = async (identity?: Certificate, headers = {}) => {
    const client = createMtlsClient(bench.ca, identity)
    const answer = await toAnswer(await client.fetch(bench.origin, { headers }))
    await client.close()
    return answer.json
  }

  test('lets in everyone, and says who is vouched for', async () => {
    await listen()
    const others = await createCertificateAuthority('Others')
    expect(await ask()).toEqual({})
    expect(await ask(await bench.clients.issue({ subject: '/CN=a' }))).toEqual({ subject: 'CN=a', trusted: true })
    expect(await ask(await others.issue({ subject: '/CN=a' }))).toEqual({ subject: 'CN=a', trusted: false })
    await others.remove()
  })

  test('trusts nobody where no authority is named, the authorities of the web included', async () => {
    const before = getCACertificates('default')
    setDefaultCACertificates([...before, bench.clients.cert])
    try {
      await listen(files(false))
      expect(await ask(await bench.clients.issue({ subject: '/CN=a' }))).toEqual({ subject: 'CN=a', trusted: false })
    } finally {
      setDefaultCACertificates(before)
    }
  })

  test('keeps who was vouched for when a session is taken up again', async () => {
    await listen()
    const client = createMtlsClient(bench.ca, await bench.clients.issue({ subject: '/CN=a' }))
    for (let round = 0; round < 3; round += 1) {
      const answer = await toAnswer(await client.fetch(bench.origin, { headers: { connection: 'close' } }))
      expect(answer.json).toEqual({ subject: 'CN=a', trusted: true })
    }
    await client.close()
  })

  test("a proxy's own certificate is not its clients', and a header is none on a direct connection", async () => {
    await listen()
    const proxy = await bench.clients.issue({ subject: '/CN=proxy' })
    const { raw } = new X509Certificate((await selfSign({ subject: '/CN=client' })).cert)
    const header = { 'client-cert': `:${raw.toString('base64')}:` }
    expect(await ask(proxy, header)).toEqual({ subject: 'CN=proxy', trusted: true })
    proxies = '127.0.0.1'
    expect(await ask(proxy, header)).toEqual({ subject: 'CN=client', trusted: false })
    expect(await ask(proxy)).toEqual({})
  })

  test('reads certificates anew when the files change, and keeps those it has while they are broken', async () => {
    await listen()
    const identity = await bench.clients.issue({ subject: '/CN=a' })
    const path = files().clientCa ?? ''
    const authority = await readFile(path, 'utf8')
    await writeFile(files().certificate, 'broken')
    await until(() => lines.join('').includes('cannot be read anew'))
    expect(await ask(identity)).toMatchObject({ trusted: true })
    await bench.renew()
    const others = await createCertificateAuthority('Others')
    await writeFile(path, others.cert)
    await until(async () => (await ask(identity)).trusted === false)
    await writeFile(path, authority)
    await until(async () => (await ask(identity)).trusted === true)
    await others.remove()
  })

  test('ends connections that are kept open once the server closes', async () => {
    await listen()
    const client = createMtlsClient(bench.ca)
    await toAnswer(await client.fetch(bench.origin))
    const begun = performance.now()
    closing.abort()
    // A request that is never finished keeps a connection open, where nobody cuts it.
    const { hostname, port } = new URL(bench.origin)
    const socket = connect({ host: hostname, port: Number(port), ca: bench.ca })
    await once(socket, 'secureConnect')
    socket.on('error', () => undefined).write('GET / HTTP/1.1\r\n')
    await listener?.close()
    expect(performance.now() - begun).toBeLessThan(5_000)
    await client.close()
  })

  test('does not start without its files', async () => {
    await expect(listen({ ...files(), key: '/nowhere/key.pem' })).rejects.toThrow('ENOENT')
    await writeFile(files().key, 'broken')
    await expect(listen()).rejects.toThrow()
  })
})
