import { canonicalHeaderName } from '@postern/protocol/header-name'
import type { Config } from '../schema.ts'
import type { PathProblem } from './check.ts'

/** Names that the connection, the answer of forward-auth or the gateway itself needs. */
const reservedHeaders = new Set([
  'connection',
  'content-length',
  'content-type',
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
    const taken = new Map<string, string>([['authorization', 'the token']])
    const { header } = (policy.upstream !== undefined && upstreams[policy.upstream]) || {}
    if (header) taken.set(canonicalHeaderName(header), 'the upstream token')
    return Object.keys(policy.headers).flatMap((identityHeader) => {
      const canonical = canonicalHeaderName(identityHeader)
      const by = taken.get(canonical)
      taken.set(canonical, identityHeader)
      const path = ['policies', name, 'headers', identityHeader]
      return by === undefined ? [] : [{ path, reason: `is another spelling of the header for ${by}` }]
    })
  })
}

/** An identity header of such a name would break the answer, or make it say something else. */
export function headersFree({ policies, upstreams }: Config): PathProblem[] {
  const names: [path: string[], header: string][] = [
    ...Object.entries(policies).flatMap(([name, { headers }]) =>
      Object.keys(headers).map((header): [string[], string] => [['policies', name, 'headers', header], header]),
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
  return Object.entries(policies).flatMap(([name, { caller_token, upstream }]) => {
    const { header } = (upstream !== undefined && upstreams[upstream]) || {}
    if (caller_token !== 'forward' || !header || canonicalHeaderName(header) !== 'authorization') return []
    const reason = "cannot be forward, since the upstream's token takes the same header"
    return [{ path: ['policies', name, 'caller_token'], reason }]
  })
}
