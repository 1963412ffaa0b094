/** The worked example of docs/sender-constraint.md at a real NGINX: its own configuration files, TLS ended there. */

import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Certificate, type CertificateAuthority, createCertificateAuthority } from '@postern/tools/certificates'
import { nginxVersion, type RunningNginx, startNginx } from '@postern/tools/servers/nginx'
import { temporaryFolder } from '@postern/tools/servers/process'
import { Agent, request as send } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDpopKey } from './support/dpop.ts'
import { startBench, type TestBench } from './support/sidecar.ts'

const installed = process.env.CI === 'true' || (await nginxVersion()) !== undefined
if (!installed) process.stderr.write('SKIPPED: bound tokens at NGINX, because it is not installed\n')

const plugin = (name: string) => readFileSync(join(import.meta.dirname, '../../plugins/nginx', name), 'utf8')

describe.skipIf(!installed)('bound tokens at NGINX', () => {
  let bench: TestBench
  let nginx: RunningNginx
  let ca: CertificateAuthority
  let holder: Certificate
  let thief: Certificate
  let origin: string
  const agents: Agent[] = []
  const upstream = createServer((request, response) => response.end(JSON.stringify(request.headers)))
  let folder: Awaited<ReturnType<typeof temporaryFolder>>

  beforeAll(async () => {
    folder = await temporaryFolder('nginx-certificates')
    ca = await createCertificateAuthority()
    holder = await ca.issue({ subject: '/CN=holder' })
    thief = await ca.issue({ subject: '/CN=thief' })
    const server = await ca.issue({ subject: '/CN=localhost', subjectAltName: 'DNS:localhost' })
    const file = (name: string) => join(folder.path, name)
    await writeFile(file('server.crt'), server.cert)
    await writeFile(file('server.key'), server.key)
    await writeFile(file('ca.crt'), ca.cert)
    bench = await startBench({
      more: `
  tls: { issuers: [test], client_certificate: { from: nginx } }
  dpop:
    issuers: [test]
    dpop: { origin_from_gateway: true, nonce: { secret: { value: nonces-of-all-sidecars-0123456789 } } }`,
    })
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    const to = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
    const location = (policy: string) => `
      location /${policy} {
        set $postern_policy ${policy};
        set $postern_upstream ${to};
        ${plugin('postern-location.conf')}
        proxy_set_header Ssl-Client-Cert "";
        proxy_set_header DPoP "";
      }`
    const decision = plugin('postern-server.conf').replace(
      'proxy_set_header X-Forwarded-Uri',
      'proxy_set_header Ssl-Client-Cert $ssl_client_escaped_cert;\nproxy_set_header X-Forwarded-Uri',
    )
    nginx = await startNginx((port) => {
      origin = `https://localhost:${port}`
      return `
        ${plugin('postern-http.conf').replace('127.0.0.1:4100', new URL(bench.sidecar.address ?? '').host)}
        server {
          listen 127.0.0.1:${port} ssl;
          ssl_certificate ${file('server.crt')};
          ssl_certificate_key ${file('server.key')};
          ssl_client_certificate ${file('ca.crt')};
          ssl_verify_client optional;
          ${decision}
          ${location('tls')}
          ${location('dpop')}
        }`
    })
  })

  afterAll(async () => {
    await Promise.all(agents.map((agent) => agent.close()))
    await nginx?.stop()
    upstream.close()
    await bench.close()
    await ca.remove()
    await folder.remove()
  })

  const ask = async (path: string, headers: Record<string, string>, certificate?: Certificate) => {
    const connect = { ca: ca.cert, host: '127.0.0.1', ...certificate }
    const agent = new Agent({ connect })
    agents.push(agent)
    const answer = await send(origin + path, { dispatcher: agent, headers })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }
  const escaped = ({ cert }: Certificate) => encodeURIComponent(cert)

  test('a certificate-bound token needs its certificate, and no header takes its place', async () => {
    const { raw } = new X509Certificate(holder.cert)
    const cnf = { 'x5t#S256': createHash('sha256').update(raw).digest('base64url') }
    const authorization = `Bearer ${await bench.issuer.mint({ claims: { cnf } })}`
    const passed = await ask('/tls', { authorization }, holder)
    expect(passed.status).toBe(200)
    expect(passed.text).not.toContain('CERTIFICATE')
    for (const certificate of [thief, undefined]) {
      for (const spoofed of [{}, { 'ssl-client-cert': escaped(holder) }, { ssl_client_cert: escaped(holder) }]) {
        expect((await ask('/tls', { authorization, ...spoofed }, certificate)).status).toBe(401)
      }
    }
  })

  test('a DPoP token is asked for the nonce, and its proof is for what the client sees', async () => {
    const key = await createDpopKey(bench.clock.now)
    const token = await bench.issuer.mint({ claims: { cnf: key.cnf } })
    const prove = async (claims: object, headers = {}) => {
      const dpop = await key.prove(token, { htu: `${origin}/dpop/orders`, ...claims })
      return ask('/dpop/orders?page=1', { authorization: `DPoP ${token}`, dpop, ...headers })
    }
    const refused = await prove({})
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toMatch(/DPoP realm="dpop", error="use_dpop_nonce"/)
    const nonce = refused.headers['dpop-nonce']
    const passed = await prove({ nonce })
    expect(passed.status).toBe(200)
    expect(JSON.parse(passed.text)).not.toHaveProperty('dpop')
    expect(JSON.parse(passed.text)).not.toHaveProperty('authorization')
    expect((await prove({ nonce, htu: `${origin}/dpop/other` })).status).toBe(401)
    const spoofed = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'x-forwarded-uri': '/a' }
    expect((await prove({ nonce, htu: 'https://evil.example/a' }, spoofed)).status).toBe(401)
    expect((await prove({ nonce }, spoofed)).status).toBe(200)
  })
})
