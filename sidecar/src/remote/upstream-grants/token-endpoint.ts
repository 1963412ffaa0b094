/** A token endpoint (RFC 6749 section 3.2), asked by one of our clients for one kind of token; with DPoP, by RFC 9449 section 5. */
import type { Secret } from '../../config/changing-secret.ts'
import { DependencyError } from '../../failures.ts'
import type { Dependency } from '../calls/dependency.ts'
import type { HttpAnswer } from '../calls/http-client.ts'
import type { FormRequest, OAuthClient } from '../client-auth/client.ts'
import type { DpopKey } from '../signing/dpop-key.ts'
import { type FetchedToken, readTokenResponse } from './token-response.ts'

export type Parameters = readonly (readonly [name: string, value: string])[]

/** The endpoint is well and says no: asking again the same way is no use. */
export class TokenRefused extends DependencyError {
  /** Undefined where it is none that is known. */
  readonly code: string | undefined

  constructor(dependency: string, reason: string, code: string | undefined) {
    super(dependency, reason)
    this.code = code
  }
}

/** @throws DependencyError, TokenRefused */
export type RequestToken = (parameters: Parameters) => Promise<FetchedToken>

export interface TokenEndpointOptions {
  endpoint: () => Promise<string>
  /** Of every request. */
  headers: Readonly<Record<string, string>>
  timeoutMs: number
  client: OAuthClient
  /** Asks for tokens that are bound to this key, as it is at that moment. */
  dpop: Pick<Secret<DpopKey>, 'current'> | undefined
  dependency: Dependency
}

export function createRequestToken(options: TokenEndpointOptions): RequestToken {
  const { endpoint, headers, timeoutMs, client, dependency } = options
  let nonce: string | undefined

  const post = async (request: Pick<FormRequest, 'url' | 'parameters' | 'timeoutMs'>, dpop: DpopKey | undefined) => {
    const singleUse = dpop && (async () => ({ dpop: await dpop.prove({ method: 'POST', uri: request.url, nonce }) }))
    const answer = await client.postForm({ ...request, headers, singleUse })
    nonce = answer.dpopNonce ?? nonce
    return answer
  }

  /** Twice where the server wants its nonce in the proof, and has just told it (RFC 9449 section 8). The deadline is that of both. */
  const ask = async (url: string, parameters: Parameters, dpop: DpopKey | undefined): Promise<HttpAnswer> => {
    const [begun, usedNonce] = [performance.now(), nonce]
    const answer = await post({ url, parameters, timeoutMs }, dpop)
    const leftMs = Math.floor(timeoutMs - (performance.now() - begun))
    const again = dpop && asksForNonce(answer) && nonce !== usedNonce && leftMs > 0
    return again ? post({ url, parameters, timeoutMs: leftMs }, dpop) : answer
  }

  return async (parameters) => {
    const url = await endpoint()
    // What a server that is well refuses leaves the breaker closed: one caller's bad token must not stop the others.
    const response = await dependency.call(async () => {
      const dpop = options.dpop?.current()
      const read = readTokenResponse(await ask(url, parameters, dpop), dpop)
      if ('unusable' in read) throw new DependencyError(dependency.name, read.unusable)
      return read
    })
    if ('refused' in response) throw new TokenRefused(dependency.name, response.refused, response.code)
    return response.token
  }
}

function asksForNonce({ status, json }: HttpAnswer): boolean {
  const isRefusal = status === 400 || status === 401
  return isRefusal && typeof json === 'object' && json !== null && 'error' in json && json.error === 'use_dpop_nonce'
}
