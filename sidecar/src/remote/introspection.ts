/** Introspection (RFC 7662) at one endpoint. */
import { DependencyError } from '../failures.ts'
import type { OAuthClient } from './client-auth/client.ts'
import type { Dependency } from './dependency.ts'

/** The members of an active token, or undefined for one that is not active. @throws DependencyError */
export type Introspect = (token: string) => Promise<Readonly<Record<string, unknown>> | undefined>

export interface IntrospectionOptions {
  endpoint: () => Promise<string>
  timeoutMs: number
  client: OAuthClient
  dependency: Dependency
}

export function createIntrospect(options: IntrospectionOptions): Introspect {
  const { endpoint, timeoutMs, client, dependency } = options
  return async (token) => {
    const url = await endpoint()
    const parameters = Object.entries({ token, token_type_hint: 'access_token' })
    return dependency.call(async () => {
      const { status, json } = await client.postForm({ url, parameters, timeoutMs })
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
