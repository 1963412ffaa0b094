/** Access tokens from a token endpoint, by client_credentials (RFC 6749 section 4.4). */
import { formatBasicCredentials } from '@postern/protocol/basic-credentials'
import { parseBearer } from '@postern/protocol/bearer'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { DependencyError } from '../failures.ts'
import type { Dependency } from './dependency.ts'
import { formBody, type HttpClient } from './http-client.ts'

export interface FetchedToken {
  accessToken: string
  /** Seconds. */
  expiresIn: number
}

/** @throws DependencyError */
export type FetchToken = () => Promise<FetchedToken>

export interface TokenEndpointOptions {
  tokenEndpoint: string
  clientId: string
  clientSecret: string
  clientAuth: 'client_secret_basic' | 'client_secret_post'
  scope: string | undefined
  timeoutMs: number
  http: HttpClient
  dependency: Dependency
}

const TokenResponse = Type.Object({
  access_token: Type.String({ minLength: 1, maxLength: 16_384 }),
  token_type: Type.String(),
  expires_in: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
})

/** A token whose lifetime is not told is asked for anew soon. */
const assumedLifetime = 60

export function createFetchToken(options: TokenEndpointOptions): FetchToken {
  const { tokenEndpoint, clientId, clientSecret, clientAuth, scope, timeoutMs, http, dependency } = options
  const basic = clientAuth === 'client_secret_basic'
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...(basic && { authorization: formatBasicCredentials(clientId, clientSecret) }),
  }
  const body = formBody({
    grant_type: 'client_credentials',
    ...(scope !== undefined && { scope }),
    ...(!basic && { client_id: clientId, client_secret: clientSecret }),
  })
  return () =>
    dependency.call(async () => {
      const { status, json } = await http.send({ method: 'POST', url: tokenEndpoint, headers, body, timeoutMs })
      if (status !== 200 || !Value.Check(TokenResponse, json)) {
        throw new DependencyError(dependency.name, `status ${status}, or no token response`)
      }
      // What we pass on as a Bearer token must be one, or it could break out of the header.
      const usable = typeof parseBearer(`Bearer ${json.access_token}`) === 'object'
      if (json.token_type.toLowerCase() !== 'bearer' || !usable) {
        throw new DependencyError(dependency.name, 'the token is no Bearer token')
      }
      return { accessToken: json.access_token, expiresIn: json.expires_in ?? assumedLifetime }
    })
}
