/**
 * A grant that gives refresh tokens, on the real pipeline: it stands in the place of client_credentials, which never does,
 * and takes for granted what the request says of the subject.
 */
import type { Grant } from '../../src/grants/grant.ts'
import { type Answer, type Credentials, postForm } from './http.ts'
import type { TestServerOptions } from './server.ts'
import type { Tenant } from './tenant.ts'

const granting: Grant = {
  type: 'client_credentials',
  forPublicClients: true,
  async authorize({ client, form }) {
    const notAfter = form.get('not_after')
    return {
      subject: form.get('subject') ?? client.id,
      refreshable: true,
      ...(notAfter !== undefined && { notAfter: Number(notAfter) }),
    }
  },
}

export const withRefreshTokens: TestServerOptions = {
  changeGrants: (grants) => grants.map((grant) => (grant.type === granting.type ? granting : grant)),
}

/** What a client needs to get and use refresh tokens. */
export const mayRefresh = { grant_types: ['client_credentials', 'refresh_token'] }

export interface Tokens {
  access: string
  refresh: string
}

/** @throws Error where the answer holds not both */
export function tokensOf({ status, json, text }: Answer): Tokens {
  const { access_token: access, refresh_token: refresh } = json
  if (typeof access !== 'string' || typeof refresh !== 'string') throw new Error(`no tokens: ${status} ${text}`)
  return { access, refresh }
}

export async function firstTokens(tenant: Tenant, client: Credentials, form: Record<string, string> = {}) {
  return tokensOf(await tenant.tokenAnswer(client, form))
}

export function refreshAt(
  tokenEndpoint: string,
  client: Credentials,
  token: string,
  form: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return postForm(tokenEndpoint, { grant_type: 'refresh_token', refresh_token: token, ...form }, client, headers)
}
