import { X509Certificate } from 'node:crypto'
import { type Certificate, createCertificateAuthority, selfSign } from '@postern/tools/certificates'
import { afterAll, describe, expect, test } from 'vitest'
import { tlsClientAuth } from '../../src/client-auth/tls-client-auth.ts'
import type { ClientSettings } from '../../src/clients/settings.ts'
import { parseForm } from '../../src/http/form.ts'
import { toClientCertificate } from '../../src/sender-constraint/certificate.ts'
import { databases } from '../support/databases.ts'
import { type Answer, basic } from '../support/http.ts'
import { createMtlsBench, createMtlsClient, type MtlsBench, type MtlsClient } from '../support/mtls.ts'
import * as parties from '../support/parties.ts'
import type { TestServer } from '../support/server.ts'
import { type Tenant, useTenant } from '../support/tenant.ts'

const grant = { grant_type: 'client_credentials' }
const method = { token_endpoint_auth_methods: ['tls_client_auth'] }

describe.each(databases)('tls_client_auth on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let bench: MtlsBench
  const opened: MtlsClient[] = []

  useTenant(
    start,
    (made) => {
      server = made.server
      tenant = made.tenant
    },
    async () => {
      bench = await createMtlsBench()
      return { environment: bench.environment }
    },
  )
  afterAll(async () => {
    for (const client of opened) await client.close()
    await bench.remove()
  })

  const url = () => `${bench.origin}/${tenant.id}/token`
  const show = (identity?: Certificate): MtlsClient => {
    const client = createMtlsClient(bench.ca, identity)
    opened.push(client)
    return client
  }
  const outcomeOf = ({ status, json }: Answer) => (status === 200 ? 'token' : json.error)
  const ask = async (identity: Certificate | undefined, client_id: string) =>
    outcomeOf(await show(identity).post(url(), { ...grant, client_id }))

  const subject = '/C=DE/O=Acme, Inc./CN=client'
  const subjectAltName = 'DNS:c.example,URI:spiffe://example/c,IP:192.0.2.1,IP:2001:db8::1,email:c@example.net'
  const identified: [setting: string, right: string, wrong: string][] = [
    ['tls_client_auth_subject_dn', 'CN=client,O=Acme\\, Inc.,C=DE', 'CN=client,O=Acme,C=DE'],
    ['tls_client_auth_subject_dn', 'CN=client, O=Acme\\, Inc., C=DE', 'C=DE,O=Acme\\, Inc.,CN=client'],
    ['tls_client_auth_san_dns', 'c.example', 'd.example'],
    ['tls_client_auth_san_dns', 'C.Example', 'example'],
    ['tls_client_auth_san_uri', 'spiffe://example/c', 'spiffe://example/C'],
    ['tls_client_auth_san_ip', '192.0.2.1', '192.0.2.2'],
    ['tls_client_auth_san_ip', '2001:DB8:0::1', '2001:db8::2'],
    ['tls_client_auth_san_email', 'c@example.net', 'd@example.net'],
  ]
  test.each(identified)('%s: %s, and not %s', async (setting, right, wrong) => {
    const identity = await bench.clients.issue({ subject, subjectAltName })
    const [good, bad] = [
      await tenant.client({ ...method, [setting]: right }),
      await tenant.client({ ...method, [setting]: wrong }),
    ]
    expect(await ask(identity, good.id)).toBe('token')
    expect(await ask(identity, bad.id)).toBe('invalid_client')
  })

  test('works at introspection and revocation as well', async () => {
    const { id } = await tenant.client({ ...method, tls_client_auth_san_dns: 'c.example' })
    const client = show(await bench.clients.issue({ subject, subjectAltName }))
    const { json } = await client.post(url(), { ...grant, client_id: id })
    const token = String(json.access_token)
    const introspect = () => client.post(`${bench.origin}/${tenant.id}/introspect`, { token, client_id: id })
    expect((await introspect()).json).toMatchObject({ active: true, client_id: id })
    expect((await client.post(`${bench.origin}/${tenant.id}/revoke`, { token, client_id: id })).status).toBe(200)
    expect((await introspect()).json).toEqual({ active: false })
  })

  describe('refuses', () => {
    const settings = { ...method, tls_client_auth_san_dns: 'c.example' }
    let id: string
    test.each<[string, () => Promise<Certificate | undefined>]>([
      ['no certificate', async () => undefined],
      ['a self-signed one for the same names', () => selfSign({ subject, subjectAltName })],
      [
        'one of an authority that only has the same name',
        async () => {
          const impostor = await createCertificateAuthority('Clients')
          const identity = await impostor.issue({ subject, subjectAltName })
          await impostor.remove()
          return identity
        },
      ],
      ['the certificate of another client', () => bench.clients.issue({ subject, subjectAltName: 'DNS:d.example' })],
      ['its name in the subject alone', () => bench.clients.issue({ subject: '/CN=c.example' })],
      [
        'its name as another kind',
        () => bench.clients.issue({ subject, subjectAltName: 'URI:c.example,email:c.example' }),
      ],
      ['a wildcard that covers its name', () => bench.clients.issue({ subject, subjectAltName: 'DNS:*.example' })],
      [
        'its name injected into another (CVE-2021-44532)',
        () => bench.clients.issue({ subject, subjectAltNames: ['URI:https://x/", DNS:c.example, URI:"y'] }),
      ],
      [
        'its name injected into a DNS name',
        () => bench.clients.issue({ subject, subjectAltNames: ['DNS:d.example, DNS:c.example'] }),
      ],
    ])('%s', async (_, identity) => {
      id ??= (await tenant.client(settings)).id
      expect(await ask(await identity(), id)).toBe('invalid_client')
    })

    test('a subject injected into the value of another (CVE-2021-44533)', async () => {
      const victim = await tenant.client({ ...method, tls_client_auth_subject_dn: 'CN=victim,O=b' })
      for (const injected of [
        '/O=b/CN=a\\/CN=victim',
        '/CN=x\\, CN=victim\\,O=b',
        '/O=b\\/CN=victim',
        '/CN=victim\\+O=b',
      ]) {
        expect(await ask(await bench.clients.issue({ subject: injected }), victim.id)).toBe('invalid_client')
      }
      expect(await ask(await bench.clients.issue({ subject: '/O=b/CN=victim' }), victim.id)).toBe('token')
    })

    test('names that cannot be read, though the subject could be', async () => {
      const client = await tenant.client({ ...method, tls_client_auth_subject_dn: 'CN=client' })
      // A DNS name that says it is longer than the certificate has it.
      const malformed = { subject: '/CN=client', subjectAltName: 'DER:30:03:82:05:61' }
      expect(await ask(await bench.clients.issue(malformed), client.id)).toBe('invalid_client')
      expect(await ask(await bench.clients.issue({ subject: '/CN=client' }), client.id)).toBe('token')
    })

    test('a client that is registered with two names, both of which are right', async () => {
      const { cert } = await bench.clients.issue({ subject: '/CN=client', subjectAltName: 'DNS:c.example' })
      const certificate = toClientCertificate(new X509Certificate(cert), true)
      const form = parseForm(Buffer.from('client_id=client'))
      const claimed = tlsClientAuth(server.now).read({ authorization: undefined, form, certificate })
      const names = { tls_client_auth_subject_dn: 'CN=client', tls_client_auth_san_dns: 'c.example' }
      const proves = (settings: ClientSettings) => claimed?.proves({ ...parties.client, settings }, parties.authServer)
      expect(proves({ tls_client_auth_subject_dn: 'CN=client' })).toBe(true)
      expect(proves(names)).toBe(false)
      expect(proves({})).toBe(false)
    })

    test('a client that is not registered for it, or with no name', async () => {
      const identity = await bench.clients.issue({ subject, subjectAltName })
      const unset = await tenant.client({ tls_client_auth_san_dns: 'c.example' })
      expect(await ask(identity, unset.id)).toBe('invalid_client')
      expect(await ask(identity, 'unknown')).toBe('invalid_client')
    })

    test('a request that shows a certificate and another authentication: only that one counts', async () => {
      const identity = await bench.clients.issue({ subject, subjectAltName })
      const client = await tenant.client(settings)
      expect(outcomeOf(await show(identity).post(url(), grant, basic(client)))).toBe('invalid_client')
      const other = await tenant.client()
      expect(outcomeOf(await show(identity).post(url(), grant, basic(other)))).toBe('token')
    })

    test('a certificate that has expired, also on a connection from before', async () => {
      const { id: client_id } = await tenant.client(settings)
      const client = show(await bench.clients.issue({ subject, subjectAltName }))
      expect(outcomeOf(await client.post(url(), { ...grant, client_id }))).toBe('token')
      server.advance(3 * 86_400_000)
      expect(outcomeOf(await client.post(url(), { ...grant, client_id }))).toBe('invalid_client')
      expect(await ask(await bench.clients.issue({ subject, subjectAltName }), client_id)).toBe('invalid_client')
    })
  })
})
