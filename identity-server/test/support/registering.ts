/** Registration as clients ask for it. */
import { type Answer, postJson, send } from './http.ts'
import type { TestServer } from './server.ts'
import { create, type Tenant } from './tenant.ts'

export interface Registered {
  id: string
  uri: string
  token: string
  secret: string
  answer: Answer
}

/** Sets what the auth server takes. */
export async function allowRegistration(server: TestServer, tenant: Tenant, registration: object): Promise<void> {
  const answer = await server.admin('PATCH', `/auth-servers/${tenant.id}`, { registration })
  if (answer.status !== 200) throw new Error(`no registration: ${answer.text}`)
}

export function tryToRegister(tenant: Tenant, metadata: unknown, token?: string): Promise<Answer> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return postJson(`${tenant.issuer}/register`, metadata, headers)
}

/** @throws Error where it is refused */
export async function register(tenant: Tenant, metadata: unknown = {}, token?: string): Promise<Registered> {
  const answer = await tryToRegister(tenant, metadata, token)
  if (answer.status !== 201) throw new Error(`not registered: ${answer.text}`)
  const { client_id, registration_client_uri, registration_access_token, client_secret } = answer.json
  return {
    id: String(client_id),
    uri: String(registration_client_uri),
    token: String(registration_access_token),
    secret: String(client_secret),
    answer,
  }
}

export function manage(method: string, { uri, token }: Pick<Registered, 'uri' | 'token'>, body?: unknown) {
  return send(uri, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

/** Of the answer to a request, what an update would state again. */
export function metadataOf({ json }: Answer): Record<string, unknown> {
  const { client_id_issued_at, client_secret_expires_at, registration_access_token, registration_client_uri, ...rest } =
    json
  return rest
}

export async function initialAccessToken(server: TestServer, tenant: Tenant, members: object = {}): Promise<string> {
  const path = `/auth-servers/${tenant.id}/initial-access-tokens`
  return String((await create(server, path, { name: 'test', ...members })).token)
}
