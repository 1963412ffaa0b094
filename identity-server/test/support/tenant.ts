/** An organization with an auth server, scopes and clients, made through the real admin API. */

import { afterAll, beforeAll } from 'vitest'
import type { Store } from './databases.ts'
import type { Answer, Credentials } from './http.ts'
import { postForm } from './http.ts'
import { startTestServer, type TestServer, type TestServerOptions } from './server.ts'

export interface Tenant {
  organization: string
  /** Id of the auth server. */
  id: string
  issuer: string
  /** Makes a client with a secret; it may have the scopes `read` and `write`. */
  client(members?: Record<string, unknown>): Promise<Credentials>
  /** A token of the client. */
  token(client: Credentials, form?: Record<string, string>): Promise<string>
  tokenAnswer(client: Credentials, form?: Record<string, string>): Promise<Answer>
  introspect(client: Credentials, token: string): Promise<Answer>
  revoke(client: Credentials, token: string): Promise<Answer>
}

/** Of a server, its admin API. */
export type AdminServer = Pick<TestServer, 'admin'>

export const tenantAudience = 'https://api.example.test'

/** Creates and answers the created resource. @throws Error where the admin API refuses */
export async function create(server: AdminServer, path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await server.admin('POST', path, body)
  if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text}`)
  return answer.json
}

export async function createTenant(server: AdminServer, members: Record<string, unknown> = {}): Promise<Tenant> {
  const organization = String((await create(server, '/organizations', { name: 'Acme' })).id)
  const authServer = { organization_id: organization, name: 'Acme', audience: tenantAudience, ...members }
  const created = await create(server, '/auth-servers', authServer)
  const id = String(created.id)
  const issuer = String(created.issuer)
  const below = `/auth-servers/${id}`
  await create(server, `${below}/scopes`, { name: 'read', is_default: true, include_in_metadata: true })
  await create(server, `${below}/scopes`, { name: 'write' })

  const tokenAnswer = (client: Credentials, form: Record<string, string> = {}) =>
    postForm(`${issuer}/token`, { grant_type: 'client_credentials', ...form }, client)
  return {
    organization,
    id,
    issuer,
    async client(more = {}) {
      const client = await create(server, `${below}/clients`, { name: 'Client', scopes: ['read', 'write'], ...more })
      return newSecret(server, id, String(client.id))
    },
    tokenAnswer,
    async token(client, form) {
      const answer = await tokenAnswer(client, form)
      if (answer.status !== 200) throw new Error(`no token: ${answer.text}`)
      return String(answer.json.access_token)
    },
    introspect: (client, token) => postForm(`${issuer}/introspect`, { token }, client),
    revoke: (client, token) => postForm(`${issuer}/revoke`, { token }, client),
  }
}

export async function newSecret(server: AdminServer, authServer: string, client: string): Promise<Credentials> {
  const path = `/auth-servers/${authServer}/clients/${client}/secrets`
  const { secret } = await create(server, path, { name: 'test' })
  return { id: client, secret: String(secret) }
}

/** For a describe block: a server with a tenant, there before its tests and gone after them. */
export function useTenant(
  start: () => Promise<Store>,
  use: (bench: { server: TestServer; tenant: Tenant; store: Store }) => void | Promise<void>,
  options: TestServerOptions | (() => Promise<TestServerOptions>) = {},
): void {
  let store: Store | undefined
  let server: TestServer | undefined
  beforeAll(async () => {
    store = await start()
    server = await startTestServer(store, typeof options === 'function' ? await options() : options)
    await use({ server, tenant: await createTenant(server), store })
  })
  afterAll(async () => {
    await server?.close()
    await store?.stop()
  })
}
