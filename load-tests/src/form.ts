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
export async function accessTokenOf(origin: string, request: Request): Promise<string> {
  return memberOf(await answerOf(origin, request), 'access_token')
}

/** Sends a request. @returns the body of the answer */
export async function answerOf(origin: string, { path, method, headers, body }: Request): Promise<string> {
  const response = await fetch(`${origin}${path}`, {
    method,
    ...(headers && { headers }),
    ...(body !== undefined && { body }),
    signal: AbortSignal.timeout(10_000),
  })
  return response.text()
}

/** A member of a JSON object. @throws Error where it is not there */
export function memberOf(text: string, name: string): string {
  const answer: unknown = JSON.parse(text)
  const value = typeof answer === 'object' && answer !== null ? new Map(Object.entries(answer)).get(name) : undefined
  if (typeof value !== 'string') throw new Error(`an answer has no ${name}`)
  return value
}
