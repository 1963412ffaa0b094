/** Introspection (RFC 7662) at one endpoint. */
import { formatBasicCredentials } from '@postern/protocol/basic-credentials'
import { DependencyError } from '../failures.ts'
import type { Dependency } from './dependency.ts'
import { formBody, type HttpClient } from './http-client.ts'

/** The members of an active token, or undefined for one that is not active. @throws DependencyError */
export type Introspect = (token: string) => Promise<Readonly<Record<string, unknown>> | undefined>

export interface IntrospectionOptions {
  endpoint: () => Promise<string>
  clientId: string
  clientSecret: string
  timeoutMs: number
  http: HttpClient
  dependency: Dependency
}

export function createIntrospect(options: IntrospectionOptions): Introspect {
  const { endpoint, clientId, clientSecret, timeoutMs, http, dependency } = options
  const headers = {
    authorization: formatBasicCredentials(clientId, clientSecret),
    'content-type': 'application/x-www-form-urlencoded',
  }
  return async (token) => {
    const url = await endpoint()
    const body = formBody({ token, token_type_hint: 'access_token' })
    return dependency.call(async () => {
      const { status, json } = await http.send({ method: 'POST', url, headers, body, timeoutMs })
      if (status !== 200 || !isRecord(json) || typeof json.active !== 'boolean') {
        throw new DependencyError(dependency.name, `status ${status}, or no introspection response`)
      }
      return json.active ? json : undefined
    })
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
