import { X509Certificate } from 'node:crypto'
import { type Certificate, selfSign } from '@postern/tools/certificates'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, describe, expect, test } from 'vitest'
import { toClientCertificate } from '../../src/sender-constraint/certificate.ts'
import { databases } from '../support/databases.ts'
import { createMtlsBench, createMtlsClient, type MtlsBench, type MtlsClient } from '../support/mtls.ts'
import type { TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

describe.each(databases)('clients that others wrote, with bound tokens, on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let bench: MtlsBench
  let identity: Certificate
  let holder: MtlsClient

  useTenant(
    start,
    async (made) => {
      server = made.server
      tenant = await createTenant(server, { dpop_nonce_required: true })
    },
    async () => {
      bench = await createMtlsBench()
      identity = await selfSign({ subject: '/CN=holder' })
      holder = createMtlsClient(bench.ca, identity)
      return { environment: bench.environment }
    },
  )
  afterAll(async () => {
    await holder.close()
    await bench.remove()
  })

  const insecure = { [oauth.allowInsecureRequests]: true }
  const discover = async () => {
    const issuer = new URL(tenant.issuer)
    return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
  }
  const fetchWithCertificate = async (url: string | URL, options: object) => {
    const { status, headers, text } = await asResponse(await holder.fetch(url, options))
    return new Response(text, { status, headers })
  }
  const selfSigned = () => {
    const jwk = { ...new X509Certificate(identity.cert).publicKey.export({ format: 'jwk' }) }
    return tenant.client({
      token_endpoint_auth_methods: ['self_signed_tls_client_auth'],
      jwks: { keys: [jwk] },
      tls_client_certificate_bound_access_tokens: true,
    })
  }
  const thumbprint = () => toClientCertificate(new X509Certificate(identity.cert), false).thumbprint

  test('oauth4webapi proves a DPoP key, and tries again with the nonce', async () => {
    const { id, secret } = await tenant.client({ dpop_bound_access_tokens: true })
    const as = await discover()
    const client: oauth.Client = { client_id: id }
    const key = await oauth.generateKeyPair('ES256')
    const DPoP = oauth.DPoP(client, key)
    const ask = async () =>
      oauth.processClientCredentialsResponse(
        as,
        client,
        await oauth.clientCredentialsGrantRequest(
          as,
          client,
          oauth.ClientSecretPost(secret),
          {},
          { DPoP, ...insecure },
        ),
      )
    const refused = await ask().catch((error: unknown) => error)
    expect(oauth.isDPoPNonceError(refused)).toBe(true)
    const { access_token, token_type } = await ask()
    expect(token_type).toBe('dpop')
    const { json } = await tenant.introspect({ id, secret }, access_token)
    expect(json).toMatchObject({ token_type: 'DPoP', cnf: { jkt: await DPoP.calculateThumbprint() } })
  })

  test.each(['ES256', 'RS256', 'PS256', 'Ed25519'])('openid-client proves a DPoP key of %s', async (algorithm) => {
    const { id, secret } = await tenant.client()
    const config = await openid.discovery(new URL(tenant.issuer), id, undefined, openid.ClientSecretBasic(secret), {
      execute: [openid.allowInsecureRequests],
    })
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair(algorithm))
    for (let round = 0; round < 2; round += 1) {
      const { access_token, token_type } = await openid.clientCredentialsGrant(config, {}, { DPoP })
      expect(token_type).toBe('dpop')
      expect(await openid.tokenIntrospection(config, access_token)).toMatchObject({
        token_type: 'DPoP',
        cnf: { jkt: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) },
      })
    }
  })

  test('oauth4webapi authenticates by certificate, at the aliases that the metadata names', async () => {
    const { id } = await selfSigned()
    const [as, client] = [await discover(), { client_id: id, use_mtls_endpoint_aliases: true }]
    const options = { ...insecure, [oauth.customFetch]: fetchWithCertificate }
    const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.TlsClientAuth(), {}, options)
    const { access_token } = await oauth.processClientCredentialsResponse(as, client, response)
    const asked = await oauth.introspectionRequest(as, client, oauth.TlsClientAuth(), access_token, options)
    expect(await oauth.processIntrospectionResponse(as, client, asked)).toMatchObject({
      active: true,
      token_type: 'Bearer',
      cnf: { 'x5t#S256': thumbprint() },
    })
  })

  test('openid-client authenticates by certificate, and proves a DPoP key at the alias', async () => {
    const { id } = await selfSigned()
    const metadata = { use_mtls_endpoint_aliases: true }
    const config = await openid.discovery(new URL(tenant.issuer), id, metadata, openid.TlsClientAuth(), {
      execute: [openid.allowInsecureRequests],
    })
    config[openid.customFetch] = fetchWithCertificate
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair())
    const { access_token } = await openid.clientCredentialsGrant(config, {}, { DPoP })
    expect(await openid.tokenIntrospection(config, access_token)).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { 'x5t#S256': thumbprint(), jkt: expect.any(String) },
    })
  })
})

/** A response of undici as one of this runtime: they are different classes, and these clients look. */
async function asResponse(response: Awaited<ReturnType<MtlsClient['fetch']>>) {
  const headers = Object.fromEntries(response.headers.entries())
  return { status: response.status, headers, text: await response.text() }
}
