import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { postForm } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { create, type Tenant, useTenant } from '../support/tenant.ts'

describe.each(databases)('public clients on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  const publicClient = async (members: object = {}) => {
    const body = { name: 'Public', scopes: ['read'], token_endpoint_auth_methods: ['none'], ...members }
    return String((await create(server, `/auth-servers/${tenant.id}/clients`, body)).id)
  }

  test('name themselves, and get nothing by a grant that stands on client authentication', async () => {
    const client_id = await publicClient()
    const answer = await postForm(`${tenant.issuer}/token`, { grant_type: 'client_credentials', client_id })
    expect([answer.status, answer.json.error]).toEqual([400, 'unauthorized_client'])
  })

  test('neither introspect nor read the feed, whatever they may', async () => {
    const client_id = await publicClient({ may_introspect: true })
    const token = await tenant.token(await tenant.client())
    const answer = await postForm(`${tenant.issuer}/introspect`, { client_id, token })
    expect([answer.status, answer.json.error]).toEqual([401, 'invalid_client'])
  })

  test("revoke no token of somebody else's", async () => {
    const client = await tenant.client()
    const token = await tenant.token(client)
    const answer = await postForm(`${tenant.issuer}/revoke`, { client_id: await publicClient(), token })
    expect([answer.status, answer.json.error]).toEqual([400, 'unauthorized_client'])
    expect((await tenant.introspect(client, token)).json.active).toBe(true)
  })

  test('are not what a client with a secret can pass itself off as', async () => {
    const { id: client_id } = await tenant.client()
    const token = await tenant.token(await tenant.client())
    for (const endpoint of ['token', 'introspect', 'revoke']) {
      const form = { client_id, token, grant_type: 'client_credentials' }
      const answer = await postForm(`${tenant.issuer}/${endpoint}`, form)
      expect([endpoint, answer.status, answer.json.error]).toEqual([endpoint, 401, 'invalid_client'])
    }
  })

  test('do not get in by a secret that they once had', async () => {
    const client = await tenant.client()
    await server.admin('PATCH', `/auth-servers/${tenant.id}/clients/${client.id}`, {
      token_endpoint_auth_methods: ['none'],
    })
    expect((await tenant.tokenAnswer(client)).json.error).toBe('invalid_client')
  })
})
