import { X509Certificate } from 'node:crypto'
import { OAuthError } from '@postern/protocol/oauth-error'
import { type Certificate, selfSign } from '@postern/tools/certificates'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createReadCertificate } from '../../src/http/certificate.ts'
import { parseNetworks } from '../../src/networks.ts'
import { sendRaw } from '../support/http.ts'

const here = '10.0.0.0/8,127.0.0.1'
const elsewhere = '192.0.2.0/24'

describe('the Client-Cert header (RFC 9440)', () => {
  let identity: Certificate
  let app: FastifyInstance

  beforeAll(async () => {
    identity = await selfSign({ subject: '/CN=client' })
  })
  afterEach(() => app.close())

  const derOf = ({ cert }: Certificate) => new X509Certificate(cert).raw
  const headerOf = (der: Buffer) => `:${der.toString('base64')}:`

  /** Answers with what is read of requests with these headers: a certificate's subject, nothing, or an error. */
  const readFrom = async (proxies: { from: string; verify: boolean } | undefined) => {
    const networks = proxies && parseNetworks(proxies.from)
    const read = createReadCertificate(networks && { networks, verify: proxies.verify })
    app = fastify()
    app.get('/', async ({ raw }) => {
      try {
        const certificate = read(raw)
        return certificate ? { subject: certificate.x509.subject, trusted: certificate.trusted } : { read: 'nothing' }
      } catch (error) {
        return { error: error instanceof OAuthError ? error.code : String(error) }
      }
    })
    const origin = await app.listen({ host: '127.0.0.1', port: 0 })
    return async (...headers: string[]): Promise<unknown> => {
      const lines = ['GET / HTTP/1.1', 'Host: a', 'Connection: close', ...headers, '', '']
      return JSON.parse((await sendRaw(origin, lines.join('\r\n'))).split('\r\n\r\n')[1] ?? '')
    }
  }

  test.each([true, false])('from a trusted proxy: vouched for where it verifies them (%s)', async (verify) => {
    const ask = await readFrom({ from: here, verify })
    expect(await ask(`Client-Cert: ${headerOf(derOf(identity))}`)).toEqual({ subject: 'CN=client', trusted: verify })
    expect(await ask(`CLIENT-CERT:${headerOf(derOf(identity))} `)).toEqual({ subject: 'CN=client', trusted: verify })
    expect(await ask()).toEqual({ read: 'nothing' })
    expect(await ask('Client_Cert: x')).toEqual({ read: 'nothing' })
  })

  test('in another spelling than its one, or repeated, is refused', async () => {
    const ask = await readFrom({ from: here, verify: true })
    const der = derOf(identity)
    for (const value of [
      '',
      '::',
      ': :',
      der.toString('base64'),
      `:${der.toString('base64url')}:`,
      `:${der.toString('base64')}=:`,
      `:${der.toString('base64')}`,
      `${headerOf(der)};a=b`,
      `${headerOf(der)}, ${headerOf(der)}`,
      headerOf(Buffer.from(identity.cert)),
      encodeURIComponent(identity.cert),
      headerOf(der.subarray(0, 99)),
      headerOf(Buffer.concat([der, Buffer.from([0])])),
      headerOf(Buffer.concat([der, der])),
      headerOf(Buffer.from('hello')),
    ]) {
      expect(await ask(`Client-Cert: ${value}`), value).toEqual({ error: 'invalid_request' })
    }
    const other = derOf(await selfSign({ subject: '/CN=other' }))
    const both = [`Client-Cert: ${headerOf(der)}`, `client-cert: ${headerOf(other)}`]
    expect(await ask(...both)).toEqual({ error: 'invalid_request' })
  })

  test('injected by an untrusted peer is refused, whatever it says its address is', async () => {
    const ask = await readFrom({ from: elsewhere, verify: true })
    const header = `Client-Cert: ${headerOf(derOf(identity))}`
    expect(await ask(header)).toEqual({ error: 'invalid_request' })
    const forwarded = ['X-Forwarded-For: 192.0.2.1', 'Forwarded: for=192.0.2.1', 'X-Real-IP: 192.0.2.1']
    expect(await ask(header, ...forwarded)).toEqual({ error: 'invalid_request' })
    expect(await ask()).toEqual({ read: 'nothing' })
  })

  test('means nothing where there are no proxies', async () => {
    const ask = await readFrom(undefined)
    expect(await ask(`Client-Cert: ${headerOf(derOf(identity))}`)).toEqual({ read: 'nothing' })
    expect(await ask('Client-Cert: x')).toEqual({ read: 'nothing' })
  })
})
