/** Forms as the endpoints of authorization servers take them, for attacks and to prepare these. */
import type { Request } from './scenarios/scenario.ts'

export interface Credentials {
  id: string
  secret: string
}

/** A request that authenticates with client_secret_post, which is the quickest for the peer. */
export function formRequest(path: string, { id, secret }: Credentials, parameters: Record<string, string>): Request {
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...parameters, client_id: id, client_secret: secret }).toString(),
  }
}

/** Sends a token request. @returns the access token. @throws Error where there is none */
export async function accessTokenOf(origin: string, { path, method, headers, body }: Request): Promise<string> {
  const response = await fetch(`${origin}${path}`, {
    method,
    ...(headers && { headers }),
    ...(body !== undefined && { body }),
    signal: AbortSignal.timeout(10_000),
  })
  const answer: unknown = await response.json()
  if (typeof answer !== 'object' || answer === null || !('access_token' in answer)) throw new Error('no access token')
  return String(answer.access_token)
}
