/** Access tokens from a token endpoint, by client_credentials (RFC 6749 section 4.4). */
import { parseBearer } from '@postern/protocol/bearer'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { DependencyError } from '../failures.ts'
import type { OAuthClient } from './client-auth/client.ts'
import type { Dependency } from './dependency.ts'

export interface FetchedToken {
  accessToken: string
  /** Seconds. */
  expiresIn: number
}

/** @throws DependencyError */
export type FetchToken = () => Promise<FetchedToken>

export interface TokenEndpointOptions {
  tokenEndpoint: string
  scope: string | undefined
  timeoutMs: number
  client: OAuthClient
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
  const { tokenEndpoint, scope, timeoutMs, client, dependency } = options
  const parameters = Object.entries({ grant_type: 'client_credentials', ...(scope !== undefined && { scope }) })
  return () =>
    dependency.call(async () => {
      const { status, json } = await client.postForm({ url: tokenEndpoint, parameters, timeoutMs })
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
