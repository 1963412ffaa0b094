/** The demo client at the identity server, as the scenarios need it. */
import { accessTokenOf, type Credentials, formRequest } from '../form.ts'
import type { Targets } from '../targets.ts'
import { pidOf, type Request, variable } from './scenario.ts'

/** Where the identity server listens, and its process. */
export function identityServer(targets: Targets): { origin: string; pid: number } {
  return { origin: new URL(variable(targets, 'POSTERN_ISSUER')).origin, pid: pidOf(targets, 'identity-server') }
}

/** A request of the demo client to an endpoint of the demo issuer. */
export function demoRequest(targets: Targets, endpoint: string, parameters: Record<string, string>): Request {
  const client: Credentials = {
    id: variable(targets, 'DEMO_CLIENT_ID'),
    secret: variable(targets, 'DEMO_CLIENT_SECRET'),
  }
  return formRequest(`${new URL(variable(targets, 'POSTERN_ISSUER')).pathname}/${endpoint}`, client, parameters)
}

export function tokenRequest(targets: Targets): Request {
  return demoRequest(targets, 'token', { grant_type: 'client_credentials', scope: variable(targets, 'DEMO_SCOPE') })
}

/** A new access token. */
export function accessToken(targets: Targets): Promise<string> {
  return accessTokenOf(identityServer(targets).origin, tokenRequest(targets))
}
