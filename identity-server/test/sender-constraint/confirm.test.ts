import { X509Certificate } from 'node:crypto'
import { selfSign } from '@postern/tools/certificates'
import { afterAll, describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { createDpopKey, type DpopKey } from '../support/dpop.ts'
import { type Answer, basic, type Credentials, postForm, send } from '../support/http.ts'
import { createMtlsBench, createMtlsClient, type MtlsBench, type MtlsClient } from '../support/mtls.ts'
import type { TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

describe.each(databases)('tokens that must be bound on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let key: DpopKey
  let mtls: MtlsBench
  let holder: MtlsClient
  let thumbprint: string

  useTenant(
    start,
    async (bench) => {
      server = bench.server
      tenant = bench.tenant
      key = await createDpopKey('ES256', server.now)
    },
    async () => {
      mtls = await createMtlsBench()
      // That nobody vouches for it is no matter: what counts is who has its key.
      const identity = await selfSign({ subject: '/CN=holder' })
      thumbprint = new X509Certificate(identity.cert).fingerprint256
      holder = createMtlsClient(mtls.ca, identity)
      return { environment: mtls.environment }
    },
  )
  afterAll(async () => {
    await holder.close()
    await mtls.remove()
  })

  const grant = { grant_type: 'client_credentials' }
  const ask = async (client: Credentials, of = tenant, withProof = false) => {
    const headers = withProof ? { dpop: await key.prove({ htu: `${of.issuer}/token` }) } : {}
    return postForm(`${of.issuer}/token`, grant, client, headers)
  }
  const askWithCertificate = async (client: Credentials, of = tenant, withProof = false) => {
    const url = `${mtls.origin}/${of.id}/token`
    const headers = { ...basic(client), ...(withProof && { dpop: await key.prove({ htu: url }) }) }
    return holder.post(url, grant, headers)
  }
  const confirmationOf = async (client: Credentials, { json }: Answer, of = tenant) =>
    (await of.introspect(client, String(json.access_token))).json.cnf
  const boundTo = (fingerprint: string) => ({
    'x5t#S256': Buffer.from(fingerprint.replaceAll(':', ''), 'hex').toString('base64url'),
  })
  const outcomeOf = ({ status, json }: Answer) => (status === 200 ? json.token_type : json.error)

  test('a client set to DPoP gets none without a proof', async () => {
    const client = await tenant.client({ dpop_bound_access_tokens: true })
    expect(outcomeOf(await ask(client))).toBe('invalid_dpop_proof')
    expect(outcomeOf(await ask(client, tenant, true))).toBe('DPoP')
    await server.admin('PATCH', `/auth-servers/${tenant.id}/clients/${client.id}`, { dpop_bound_access_tokens: null })
    expect(outcomeOf(await ask(client))).toBe('Bearer')
  })

  test('a client set to certificates gets none without one, and its proof is not used up', async () => {
    const client = await tenant.client({ tls_client_certificate_bound_access_tokens: true })
    expect(outcomeOf(await ask(client))).toBe('invalid_request')
    const dpop = await key.prove({ htu: `${tenant.issuer}/token` })
    const send = (by: Credentials) => postForm(`${tenant.issuer}/token`, grant, by, { dpop })
    expect(outcomeOf(await send(client))).toBe('invalid_request')
    expect(outcomeOf(await send(await tenant.client()))).toBe('DPoP')
  })

  test('a client set to certificates gets tokens for the one that it shows; tokens of others stay unbound', async () => {
    const client = await tenant.client({ tls_client_certificate_bound_access_tokens: true })
    const answer = await askWithCertificate(client)
    expect(answer.json.token_type).toBe('Bearer')
    expect(await confirmationOf(client, answer)).toEqual(boundTo(thumbprint))
    const free = await tenant.client()
    expect(await confirmationOf(free, await askWithCertificate(free))).toBeUndefined()
  })

  test('whoever shows both, and must show a certificate, gets tokens that need both', async () => {
    const client = await tenant.client({ tls_client_certificate_bound_access_tokens: true })
    const answer = await askWithCertificate(client, tenant, true)
    expect(answer.json.token_type).toBe('DPoP')
    expect(await confirmationOf(client, answer)).toEqual({ jkt: key.thumbprint, ...boundTo(thumbprint) })
  })

  test.each([
    ['dpop', 'invalid_dpop_proof', 'DPoP', 'invalid_dpop_proof'],
    ['mtls', 'invalid_request', 'invalid_request', 'Bearer'],
    ['any', 'invalid_request', 'DPoP', 'Bearer'],
  ])('a tenant with sender_constraint %s', async (sender_constraint, without, withProof, withCertificate) => {
    const strict = await createTenant(server, { limits: { sender_constraint } })
    const client = await strict.client()
    expect(outcomeOf(await ask(client, strict))).toBe(without)
    expect(outcomeOf(await ask(client, strict, true))).toBe(withProof)
    const answer = await askWithCertificate(client, strict)
    expect(outcomeOf(answer)).toBe(withCertificate)
    if (answer.status === 200) expect(await confirmationOf(client, answer, strict)).toEqual(boundTo(thumbprint))
  })

  test('the metadata says where certificates are asked for', async () => {
    const { json } = await send(`${tenant.issuer}/.well-known/openid-configuration`)
    const base = `${mtls.origin}/${tenant.id}`
    expect(json).toMatchObject({
      issuer: tenant.issuer,
      token_endpoint: `${tenant.issuer}/token`,
      tls_client_certificate_bound_access_tokens: true,
      mtls_endpoint_aliases: {
        token_endpoint: `${base}/token`,
        introspection_endpoint: `${base}/introspect`,
        revocation_endpoint: `${base}/revoke`,
      },
    })
    expect(json.token_endpoint_auth_methods_supported).toContain('tls_client_auth')
  })
})
