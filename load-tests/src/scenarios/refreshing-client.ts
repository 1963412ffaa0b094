/** A client that refreshes, as the scenarios need it: a trusted issuer vouches for the subjects of its grants. */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createSigner } from '@postern/identity-server/keys/signer'
import { accessTokenOf, answerOf, formRequest, memberOf } from '../form.ts'
import type { Part, Targets } from '../targets.ts'
import { identityServer } from './demo-client.ts'
import { type Request, variable } from './scenario.ts'

const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const trusted = 'https://idp.load.example'

export interface RefreshingClient {
  /** Begins a grant. @returns its refresh token */
  begin(): Promise<string>
  /** The request that uses a refresh token. */
  refresh(token: string): Request
}

/** A client of the demo issuer, made through the admin API. */
export const refreshingClient: Part<RefreshingClient> = async (_undo, targets) => {
  const issuer = variable(targets, 'POSTERN_ISSUER')
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = randomUUID()
  const signer = createSigner(kid, 'ES256', privateKey.export({ format: 'jwk' }))
  const scopes = [variable(targets, 'DEMO_SCOPE')]

  const create = await creator(targets)
  const below = `/auth-servers/${new URL(issuer).pathname.slice(1)}`
  await create(`${below}/trusted-issuers`, {
    name: 'Load',
    issuer: trusted,
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid }] },
    trusted_for: ['assertions'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the claims engine
    subject: '${subject_token.sub}',
    scopes,
  })
  const id = 'load-refreshing'
  await create(`${below}/clients`, { id, name: 'Refreshing', grant_types: [grant_type, 'refresh_token'], scopes })
  const client = { id, secret: memberOf(await create(`${below}/clients/${id}/secrets`, { name: 'load' }), 'secret') }

  const request = (parameters: Record<string, string>) =>
    formRequest(`${new URL(issuer).pathname}/token`, client, parameters)
  return {
    async begin() {
      const iat = Math.floor(Date.now() / 1_000)
      const claims = { iss: trusted, sub: 'alice', aud: issuer, jti: randomUUID(), iat, exp: iat + 60 }
      const assertion = await signer.sign('JWT', claims)
      const answer = await answerOf(identityServer(targets).origin, request({ grant_type, assertion }))
      return memberOf(answer, 'refresh_token')
    },
    refresh: (token) => request({ grant_type: 'refresh_token', refresh_token: token }),
  }
}

/** Creates resources by the admin API. */
async function creator(targets: Targets): Promise<(path: string, body: unknown) => Promise<string>> {
  const { origin } = identityServer(targets)
  const admin = {
    id: variable(targets, 'POSTERN_ADMIN_CLIENT_ID'),
    secret: variable(targets, 'POSTERN_ADMIN_CLIENT_SECRET'),
  }
  const token = await accessTokenOf(origin, formRequest('/system/token', admin, { grant_type: 'client_credentials' }))
  return (path, body) =>
    answerOf(origin, {
      method: 'POST',
      path: `/admin/v1${path}`,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
}
