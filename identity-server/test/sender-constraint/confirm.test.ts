import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { createDpopKey, type DpopKey } from '../support/dpop.ts'
import { type Answer, type Credentials, postForm } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

describe.each(databases)('tokens that must be bound on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let key: DpopKey

  useTenant(start, async (bench) => {
    server = bench.server
    tenant = bench.tenant
    key = await createDpopKey('ES256', server.now)
  })

  const ask = async (client: Credentials, of = tenant, withProof = false) => {
    const headers = withProof ? { dpop: await key.prove({ htu: `${of.issuer}/token` }) } : {}
    return postForm(`${of.issuer}/token`, { grant_type: 'client_credentials' }, client, headers)
  }
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
    const send = (by: Credentials) =>
      postForm(`${tenant.issuer}/token`, { grant_type: 'client_credentials' }, by, { dpop })
    expect(outcomeOf(await send(client))).toBe('invalid_request')
    expect(outcomeOf(await send(await tenant.client()))).toBe('DPoP')
  })

  test.each([
    ['dpop', 'invalid_dpop_proof', 'DPoP'],
    ['mtls', 'invalid_request', 'invalid_request'],
    ['any', 'invalid_request', 'DPoP'],
  ])('a tenant with sender_constraint %s', async (sender_constraint, without, withProof) => {
    const strict = await createTenant(server, { limits: { sender_constraint } })
    const client = await strict.client()
    expect(outcomeOf(await ask(client, strict))).toBe(without)
    expect(outcomeOf(await ask(client, strict, true))).toBe(withProof)
  })
})
