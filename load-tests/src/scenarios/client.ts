/** The demo client, as the scenarios need it. */
import { formatBasicCredentials } from '@postern/protocol/basic-credentials'
import type { Targets } from '../targets.ts'
import { variable } from './scenario.ts'

/** Headers of a form that the demo client sends to the identity server. */
export function clientHeaders(targets: Targets): Record<string, string> {
  const [id, secret] = [variable(targets, 'DEMO_CLIENT_ID'), variable(targets, 'DEMO_CLIENT_SECRET')]
  return {
    authorization: formatBasicCredentials(id, secret),
    'content-type': 'application/x-www-form-urlencoded',
  }
}

export const tokenRequest = 'grant_type=client_credentials'

/** A new access token. */
export async function accessToken(targets: Targets): Promise<string> {
  const response = await fetch(variable(targets, 'POSTERN_TOKEN_ENDPOINT'), {
    method: 'POST',
    headers: clientHeaders(targets),
    body: tokenRequest,
    signal: AbortSignal.timeout(10_000),
  })
  const body: unknown = await response.json()
  if (typeof body !== 'object' || body === null || !('access_token' in body)) throw new Error('no access token')
  return String(body.access_token)
}
