/** What a run of requests leaves in the table of events: all that happened, in its order, and no secret of it. */
import Type from 'typebox'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventTypes, ResourceChange } from '../../src/events/types.ts'
import { databases, type Store } from '../support/databases.ts'
import { basic, postForm } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, newSecret, type Tenant, tenantAudience } from '../support/tenant.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${traceId}-b7ad6b7169203331-01`

const Row = Type.Object({
  auth_server_id: Type.String(),
  type: Type.String(),
  client_id: Type.Union([Type.String(), Type.Null()]),
  subject: Type.Union([Type.String(), Type.Null()]),
  data: Type.Record(Type.String(), Type.Unknown()),
})

describe.each(databases)('recorded on $kind', ({ start }) => {
  let store: Store
  let server: TestServer
  let tenant: Tenant
  /** Whatever must not be found anywhere. */
  const secrets: string[] = []

  beforeAll(async () => {
    store = await start()
    server = await startTestServer(store, { environment: { POSTERN_INTROSPECTION_EVENT_SAMPLE: '1' } })
    tenant = await createTenant(server)
  })
  afterAll(() => store?.stop())

  /** Each outcome once; what must be found nowhere goes to `secrets`. */
  async function useEndpoints() {
    const client = await tenant.client()
    const other = await tenant.client({ grant_types: [], may_introspect: true })
    const disabled = await tenant.client()
    await server.admin('PATCH', `/auth-servers/${tenant.id}/clients/${disabled.id}`, { enabled: false })
    const limited = await tenant.client({ token_endpoint_auth_methods: ['client_secret_post'] })
    const expired = await newSecret(server, tenant.id, client.id)

    const answer = await tenant.tokenAnswer(client, { scope: 'read write' })
    const token = String(answer.json.access_token)
    const { jti } = (await tenant.introspect(client, token)).json
    await tenant.introspect(other, 'no-token-at-all')
    await postForm(`${tenant.issuer}/token`, { grant_type: 'client_credentials', scope: 'unknown' }, client, {
      traceparent,
    })
    await tenant.tokenAnswer(other)
    await tenant.tokenAnswer(client, { grant_type: 'grant-type-of-somebody' })
    await postForm(`${tenant.issuer}/token`, '', client)
    await tenant.revoke(other, token)
    await tenant.revoke(client, token)
    await tenant.revoke(client, 'no-token-at-all')
    await tenant.tokenAnswer({ ...client, secret: 'guessed-secret-of-somebody' })
    await tenant.tokenAnswer(disabled)
    await tenant.tokenAnswer(limited)
    // The credentials in the wrong places, and no client of this name.
    await tenant.tokenAnswer({ id: client.secret, secret: client.id })
    await postForm(`${tenant.issuer}/introspect`, { token, client_id: token })
    await postForm(`${tenant.issuer}/token`, { client_id: other.id, client_secret: client.secret }, client)
    await postForm(
      `${tenant.issuer}/token`,
      { client_assertion: token, client_id: client.secret, scope: token },
      client,
    )
    secrets.push(...[client, other, disabled, limited, expired, server.firstClient].map(({ secret }) => secret))
    secrets.push(...[client, other].map((one) => basic(one).authorization.slice('Basic '.length)))
    secrets.push(token, ...token.split('.').slice(1), 'guessed-secret-of-somebody')
    return { client, other, disabled, limited, jti }
  }

  test('every outcome of the OAuth endpoints, with the reason that only the operator learns', async () => {
    // PGlite can be looked into only while no server has it open; and closing stores what waits.
    const { client, other, disabled, limited, jti } = await useEndpoints().finally(() => server.close())
    const rows = await recorded()
    const failed = { type: 'client.authentication_failed', error: 'invalid_client' }
    const refused = { type: 'token.refused', grant_type: 'client_credentials' }
    expect(rows.filter(({ type }) => !/\.(created|updated|deleted)$/.test(type))).toEqual([
      {
        type: 'token.issued',
        client_id: client.id,
        subject: client.id,
        grant_type: 'client_credentials',
        jti,
        scope: 'read write',
        audience: tenantAudience,
      },
      { type: 'token.introspected', client_id: client.id, active: true, jti },
      { type: 'token.introspected', client_id: other.id, active: false },
      {
        ...refused,
        client_id: client.id,
        error: 'invalid_scope',
        reason: expect.stringContaining('scope'),
        trace_id: traceId,
      },
      { ...refused, client_id: other.id, error: 'unauthorized_client', reason: expect.any(String) },
      {
        type: 'token.refused',
        client_id: client.id,
        error: 'unsupported_grant_type',
        reason: 'the grant type is not supported',
      },
      { type: 'token.refused', client_id: client.id, error: 'invalid_request', reason: 'grant_type is required' },
      { type: 'token.revoked', client_id: client.id, subject: client.id, jti },
      {
        ...failed,
        client_id: client.id,
        method: 'client_secret_basic',
        reason: 'the credentials are wrong or expired',
      },
      { ...failed, client_id: disabled.id, method: 'client_secret_basic', reason: 'the client is disabled' },
      { ...failed, client_id: limited.id, method: 'client_secret_basic', reason: 'the client may not use this method' },
      { ...failed, method: 'client_secret_basic', reason: 'there is no such client' },
      expect.objectContaining({ ...failed }),
      { ...failed, error: 'invalid_request', reason: 'more than one client authentication method' },
      expect.objectContaining({ type: 'client.authentication_failed' }),
    ])
  })

  test('no secret, no token and no part of one, in the table or in the log', async () => {
    const [{ text } = { text: '' }] = await store.query(
      server.variables,
      `select string_agg(e::text, ' ') as text from events e`,
    )
    const table = String(text)
    expect(table.length).toBeGreaterThan(1_000)
    expect(secrets.length).toBeGreaterThan(9)
    for (const secret of secrets) {
      // Not `toContain`: its message would be the whole text.
      expect(table.includes(secret)).toBe(false)
      expect(server.logs().includes(secret)).toBe(false)
    }
  })

  /** The tenant's events, flat, each checked against the schema of its type. */
  async function recorded(): Promise<({ type: string } & Record<string, unknown>)[]> {
    const rows = await store.query(
      server.variables,
      `select auth_server_id, type, client_id, subject, data from events where auth_server_id = '${tenant.id}' order by id`,
    )
    return rows.map((found) => {
      const { type, client_id, subject, data } = Value.Parse(Row, found)
      const members = { ...(client_id !== null && { client_id }), ...(subject !== null && { subject }), ...data }
      const schema = Object.entries(eventTypes).find(([name]) => name === type)?.[1] ?? ResourceChange
      expect(Value.Check(schema, members), type).toBe(true)
      return { type, ...members }
    })
  }
})
