/** A typed client of the admin API: gets its own access tokens, checks what it is answered. */
import { formatBasicCredentials } from '@postern/protocol/basic-credentials'
import Type, { type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { request } from 'undici'
import {
  AuthServer,
  Client,
  ClientSecret,
  CreatedClientSecret,
  Organization,
  ProblemBody,
  Scope,
  SigningKey,
} from './admin-schemas.ts'

export class AdminError extends Error {
  override readonly name = 'AdminError'
  /** The problem's code, or `unexpected_answer`. */
  readonly code: string
  readonly status: number

  constructor(code: string, status: number, detail: string) {
    super(detail)
    this.code = code
    this.status = status
  }
}

export interface AdminClientOptions {
  /** `{public origin}/admin/v1` */
  adminUrl: string
  /** The token endpoint of the system auth server. */
  tokenEndpoint: string
  clientId: string
  clientSecret: string
  /** Deadline of each request. */
  timeoutMs?: number
  /** ms since the epoch */
  now?: () => number
}

/** One collection; each method throws AdminError for a refusal. */
export interface Collection<View, Created = View> {
  list(): Promise<View[]>
  create(body: object): Promise<Created>
  read(id: string): Promise<View>
  update(id: string, change: object): Promise<View>
  remove(id: string): Promise<void>
}

/** Signing keys of an auth server; each method throws AdminError for a refusal. */
export interface SigningKeys extends Pick<Collection<SigningKey>, 'list' | 'read'> {
  /** Begins a rotation, or joins the one that has begun. @returns the key that takes over */
  rotate(options?: { immediately?: boolean }): Promise<SigningKey>
  /** Ends a key at once: all that it signed is refused from then on, and another key signs. */
  revoke(kid: string): Promise<void>
}

const TokenResponse = Type.Object({ access_token: Type.String(), expires_in: Type.Number() })

export function createAdminClient(options: AdminClientOptions) {
  const { adminUrl, timeoutMs = 10_000, now = Date.now } = options
  let token: { value: string; renewAt: number } | undefined

  const send = async (
    url: string,
    init: { method: 'GET' | 'POST' | 'PATCH' | 'DELETE'; headers: Record<string, string>; body?: string },
  ) => {
    const response = await request(url, { ...init, signal: AbortSignal.timeout(timeoutMs) })
    const text = await response.body.text()
    if (response.statusCode >= 300) throw toError(response.statusCode, text)
    return text === '' ? undefined : parseJson(response.statusCode, text)
  }

  const accessToken = async () => {
    if (token && now() < token.renewAt) return token.value
    const answer = await send(options.tokenEndpoint, {
      method: 'POST',
      headers: {
        authorization: formatBasicCredentials(options.clientId, options.clientSecret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
    })
    const { access_token, expires_in } = parse(TokenResponse, answer)
    token = { value: access_token, renewAt: now() + expires_in * 800 }
    return access_token
  }

  const call = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) =>
    send(`${adminUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await accessToken()}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })

  const collection = <View extends TSchema, Created extends TSchema>(
    path: string,
    view: View,
    created: Created,
  ): Collection<Static<View>, Static<Created>> => {
    const List = Type.Object({ items: Type.Array(view), next: Type.Union([Type.String(), Type.Null()]) })
    const item = (id: string) => `${path}/${encodeURIComponent(id)}`
    return {
      async list() {
        const all: Static<View>[] = []
        for (let after: string | null = ''; after !== null; ) {
          const query: string = after === '' ? '' : `?after=${encodeURIComponent(after)}`
          const page: { items: Static<View>[]; next: string | null } = parse(List, await call('GET', `${path}${query}`))
          all.push(...page.items)
          after = page.next
        }
        return all
      },
      create: async (body) => parse(created, await call('POST', path, body)),
      read: async (id) => parse(view, await call('GET', item(id))),
      update: async (id, change) => parse(view, await call('PATCH', item(id), change)),
      remove: async (id) => void (await call('DELETE', item(id))),
    }
  }

  const signingKeys = (path: string): SigningKeys => {
    const { list, read, remove: revoke } = collection(path, SigningKey, SigningKey)
    return {
      list,
      read,
      revoke,
      rotate: async (body = {}) => parse(SigningKey, await call('POST', `${path}/rotate`, body)),
    }
  }

  const below = (authServer: string) => `/auth-servers/${encodeURIComponent(authServer)}`
  return {
    organizations: collection('/organizations', Organization, Organization),
    authServers: collection('/auth-servers', AuthServer, AuthServer),
    keys: (authServer: string) => signingKeys(`${below(authServer)}/keys`),
    scopes: (authServer: string) => collection(`${below(authServer)}/scopes`, Scope, Scope),
    clients: (authServer: string) => collection(`${below(authServer)}/clients`, Client, Client),
    clientSecrets: (authServer: string, client: string) =>
      collection(
        `${below(authServer)}/clients/${encodeURIComponent(client)}/secrets`,
        ClientSecret,
        CreatedClientSecret,
      ),
  }
}

export type AdminClient = ReturnType<typeof createAdminClient>

function parse<Schema extends TSchema>(schema: Schema, value: unknown): Static<Schema> {
  if (!Value.Check(schema, value)) throw new AdminError('unexpected_answer', 200, 'the answer is not what it should be')
  return value
}

function parseJson(status: number, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AdminError('unexpected_answer', status, 'the answer is not JSON')
  }
}

const OAuthErrorBody = Type.Object({ error: Type.String(), error_description: Type.String() })

function toError(status: number, text: string): AdminError {
  const body = parseJson(status, text)
  if (Value.Check(ProblemBody, body)) return new AdminError(body.code, status, body.detail)
  if (Value.Check(OAuthErrorBody, body)) return new AdminError(body.error, status, body.error_description)
  return new AdminError('unexpected_answer', status, `status ${status}`)
}
