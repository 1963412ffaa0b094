import { canonicalHeaderName } from '@postern/protocol/header-name'
import type { PolicyConfig } from '../schema/policy.ts'
import { certificateHeader } from '../schema/sender-constraint.ts'
import type { Config } from '../schema.ts'
import type { PathProblem } from './check.ts'

/** Names that the connection, the answer of forward-auth or the gateway itself needs. */
export const reservedHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-postern-decision',
  'x-postern-remove-headers',
])

/** Two headers of one name would overwrite each other. */
export function headersApart({ policies, upstreams }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, policy]) => {
    const taken = new Map(tokenHeaders(policy).map((header) => [header, 'the token']))
    const { header } = (policy.upstream !== undefined && upstreams[policy.upstream]) || {}
    if (header) taken.set(canonicalHeaderName(header), 'the upstream token')
    const certificate = certificateHeader(policy.client_certificate)
    if (certificate !== undefined) taken.set(canonicalHeaderName(certificate), 'the client certificate')
    if (policy.dpop) taken.set('dpop', 'proofs')
    return setHeaders(name, policy).flatMap(({ path, header: own }) => {
      const canonical = canonicalHeaderName(own)
      const by = taken.get(canonical)
      taken.set(canonical, own)
      return by === undefined ? [] : [{ path, reason: `is another spelling of the header for ${by}` }]
    })
  })
}

/** Those that the policy sets itself. */
function setHeaders(
  name: string,
  { headers, identity_token: token }: PolicyConfig,
): { path: string[]; header: string }[] {
  return [
    ...Object.keys(headers).map((header) => ({ path: ['policies', name, 'headers', header], header })),
    ...(token ? [{ path: ['policies', name, 'identity_token', 'header'], header: token.header }] : []),
  ]
}

/** Those that may carry the token of the caller, in canonical spelling. */
function tokenHeaders({ token_from: sources }: PolicyConfig): string[] {
  return ['authorization', ...sources.flatMap(({ header }) => (header ? [canonicalHeaderName(header)] : []))]
}

/** An identity header of such a name would break the answer, or make it say something else. */
export function headersFree({ policies, upstreams }: Config): PathProblem[] {
  const names: [path: string[], header: string][] = [
    ...Object.entries(policies).flatMap(([name, policy]) =>
      setHeaders(name, policy).map(({ path, header }): [string[], string] => [path, header]),
    ),
    ...Object.entries(upstreams).map(([name, { header }]): [string[], string] => [
      ['upstreams', name, 'header'],
      header,
    ]),
  ]
  return names.flatMap(([path, header]) =>
    reservedHeaders.has(canonicalHeaderName(header)) ? [{ path, reason: 'is a header that is needed otherwise' }] : [],
  )
}

/** Otherwise the upstream would get another token than the file says. */
export function callerTokenForwardable({ policies, upstreams }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, policy]) => {
    const { header } = (policy.upstream !== undefined && upstreams[policy.upstream]) || {}
    const shared = header && tokenHeaders(policy).includes(canonicalHeaderName(header))
    if (policy.caller_token !== 'forward' || !shared) return []
    const reason = "cannot be forward, since the upstream's token takes the same header"
    return [{ path: ['policies', name, 'caller_token'], reason }]
  })
}
