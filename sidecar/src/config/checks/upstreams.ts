import { canonicalHeaderName } from '@postern/protocol/header-name'
import type { Config } from '../schema.ts'
import type { PathProblem } from './check.ts'

export function tokenEndpointKnown({ upstreams }: Config): PathProblem[] {
  return Object.entries(upstreams).flatMap(([name, { issuer, token_endpoint }]) =>
    issuer === undefined && token_endpoint === undefined
      ? [{ path: ['upstreams', name], reason: 'issuer or token_endpoint is required' }]
      : [],
  )
}

/** An assertion that names the wrong server could be used at another one. */
export function jwtBearerHasAudience({ upstreams }: Config): PathProblem[] {
  return Object.entries(upstreams).flatMap(
    ([
      name,
      {
        issuer,
        grant: { jwt_bearer },
      },
    ]) =>
      jwt_bearer && issuer === undefined && jwt_bearer.audience === undefined
        ? [
            {
              path: ['upstreams', name, 'grant', 'jwt_bearer'],
              reason: 'audience is required where there is no issuer',
            },
          ]
        : [],
  )
}

const ownParameters = new Set([
  'actor_token',
  'actor_token_type',
  'assertion',
  'audience',
  'client_assertion',
  'client_assertion_type',
  'client_id',
  'client_secret',
  'grant_type',
  'password',
  'refresh_token',
  'requested_token_type',
  'resource',
  'scope',
  'subject_token',
  'subject_token_type',
  'username',
])

/** A parameter that is sent twice is an error at the issuer (RFC 6749 section 3.2). */
export function tokenParametersFree({ upstreams }: Config): PathProblem[] {
  return Object.entries(upstreams).flatMap(([name, { parameters }]) =>
    Object.keys(parameters).flatMap((parameter) =>
      ownParameters.has(parameter)
        ? [{ path: ['upstreams', name, 'parameters', parameter], reason: 'has a member of its own' }]
        : [],
    ),
  )
}

const ownHeaders = new Set([
  'accept',
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'dpop',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers that the request itself needs. */
export function tokenRequestHeadersFree({ upstreams }: Config): PathProblem[] {
  return Object.entries(upstreams).flatMap(([name, { request_headers }]) =>
    Object.keys(request_headers).flatMap((header) =>
      ownHeaders.has(canonicalHeaderName(header))
        ? [{ path: ['upstreams', name, 'request_headers', header], reason: 'is a header that is needed otherwise' }]
        : [],
    ),
  )
}

/** Each would overwrite the other's refresh token. */
export function stateFilesApart({ upstreams }: Config): PathProblem[] {
  const seen = new Map<string, string>()
  return Object.entries(upstreams).flatMap(([name, { grant }]) => {
    const file = grant.refresh_token?.state_file
    if (file === undefined) return []
    const first = seen.get(file)
    seen.set(file, first ?? name)
    const path = ['upstreams', name, 'grant', 'refresh_token', 'state_file']
    return first === undefined ? [] : [{ path, reason: `is the file of ${first} too` }]
  })
}

/** A proof is for one request to one address (RFC 9449 section 4.2), which a decision, kept and used again, does not know. */
export function boundTokensStayOut({ policies, upstreams }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, { upstream }]) => {
    const bound = upstream !== undefined && upstreams[upstream]?.dpop
    if (!bound) return []
    const reason = 'has dpop, whose tokens are for POST /v1/upstream-tokens only'
    return [{ path: ['policies', name, 'upstream'], reason }]
  })
}
