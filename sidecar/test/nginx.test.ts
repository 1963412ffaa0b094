/** DPoP at a real NGINX with the files of plugins/nginx, where TLS ends; test/gateways has certificates. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createCertificateAuthority } from '@postern/tools/certificates'
import type { RunningServer } from '@postern/tools/servers/configured'
import { nginxVersion, startNginx } from '@postern/tools/servers/nginx'
import { temporaryFolder } from '@postern/tools/servers/process'
import { Agent, request as send } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDpopKey } from './support/dpop.ts'
import { startBench, type TestBench } from './support/sidecar.ts'

const installed = process.env.CI === 'true' || (await nginxVersion()) !== undefined
if (!installed) process.stderr.write('SKIPPED: DPoP at NGINX, because it is not installed\n')

const plugin = (name: string) => readFileSync(join(import.meta.dirname, '../../plugins/nginx', name), 'utf8')

describe.skipIf(!installed)('DPoP at NGINX', () => {
  let bench: TestBench
  let nginx: RunningServer
  let agent: Agent
  let origin: string
  const upstream = createServer((request, response) => response.end(JSON.stringify(request.headers)))
  let folder: Awaited<ReturnType<typeof temporaryFolder>>

  beforeAll(async () => {
    folder = await temporaryFolder('nginx-dpop')
    const ca = await createCertificateAuthority()
    const server = await ca.issue({ subject: '/CN=localhost', subjectAltName: 'DNS:localhost' })
    await ca.remove()
    agent = new Agent({ connect: { ca: ca.cert, host: '127.0.0.1' } })
    const file = (name: string) => join(folder.path, name)
    await writeFile(file('server.crt'), server.cert)
    await writeFile(file('server.key'), server.key)
    bench = await startBench({
      policy: 'dpop: { origin_from_gateway: true, nonce: { secret: { value: nonces-of-all-sidecars-0123456789 } } }',
    })
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    const to = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
    nginx = await startNginx((port) => {
      origin = `https://localhost:${port}`
      return `
        ${plugin('postern-http.conf').replace('127.0.0.1:4100', new URL(bench.sidecar.address ?? '').host)}
        server {
          listen 127.0.0.1:${port} ssl;
          ssl_certificate ${file('server.crt')};
          ssl_certificate_key ${file('server.key')};
          ${plugin('postern-server.conf')}
          location / {
            set $postern_policy main;
            set $postern_upstream ${to};
            ${plugin('postern-location.conf')}
            proxy_set_header DPoP "";
          }
        }`
    })
  })

  afterAll(async () => {
    await agent?.close()
    await nginx?.stop()
    upstream.close()
    await bench?.close()
    await folder.remove()
  })

  const ask = async (path: string, headers: Record<string, string>) => {
    const answer = await send(origin + path, { dispatcher: agent, headers })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }

  test('a DPoP token is asked for the nonce, and its proof is for what the client sees', async () => {
    const key = await createDpopKey(bench.clock.now)
    const token = await bench.issuer.mint({ claims: { cnf: key.cnf } })
    const prove = async (claims: object, headers = {}) => {
      const dpop = await key.prove(token, { htu: `${origin}/orders`, ...claims })
      return ask('/orders?page=1', { authorization: `DPoP ${token}`, dpop, ...headers })
    }
    const refused = await prove({})
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toMatch(/DPoP realm="main", error="use_dpop_nonce"/)
    const nonce = refused.headers['dpop-nonce']
    const passed = await prove({ nonce })
    expect(passed.status).toBe(200)
    expect(JSON.parse(passed.text)).not.toHaveProperty('dpop')
    expect(JSON.parse(passed.text)).not.toHaveProperty('authorization')
    expect((await prove({ nonce, htu: `${origin}/other` })).status).toBe(401)
    const spoofed = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'x-forwarded-uri': '/a' }
    expect((await prove({ nonce, htu: 'https://evil.example/a' }, spoofed)).status).toBe(401)
    expect((await prove({ nonce }, spoofed)).status).toBe(200)
  })
})
