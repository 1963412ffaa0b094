/** What a schema cannot say: references between members, and addresses that are too open. One function a rule. */
import { canonicalHeaderName } from '@postern/protocol/header-name'
import type { Config } from './schema.ts'

export interface PathProblem {
  path: readonly string[]
  reason: string
}

type Check = (config: Config) => PathProblem[]

const checks: readonly Check[] = [
  listensOnLoopback,
  knownReferences,
  httpsBeyondLoopback,
  distinctIssuers,
  oneIntrospectionPerPolicy,
  headersApart,
  headersFree,
  callerTokenForwardable,
]

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

export function semanticProblems(config: Config): PathProblem[] {
  return checks.flatMap((check) => check(config))
}

/** Whoever reaches the sidecar may ask it for decisions, so it is reachable on this machine only. */
function listensOnLoopback({ listen, admin }: Config): PathProblem[] {
  const problem = (address: string | undefined, path: string[]) => {
    if (address === undefined) return []
    if (!URL.canParse(`http://${address}`)) return [{ path, reason: 'is not an address with a port up to 65535' }]
    const reason = 'must be a loopback address (127.0.0.0/8, [::1] or localhost)'
    return isLoopback(new URL(`http://${address}`).hostname) ? [] : [{ path, reason }]
  }
  return [...problem(listen.tcp, ['listen', 'tcp']), ...problem(admin.tcp, ['admin', 'tcp'])]
}

function knownReferences({ policies, issuers, upstreams }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, policy]) => {
    const unknownIssuers = policy.issuers.flatMap((issuer, index) =>
      Object.hasOwn(issuers, issuer)
        ? []
        : [{ path: ['policies', name, 'issuers', String(index)], reason: `there is no issuer ${issuer}` }],
    )
    const { upstream } = policy
    if (upstream === undefined || Object.hasOwn(upstreams, upstream)) return unknownIssuers
    return [...unknownIssuers, { path: ['policies', name, 'upstream'], reason: `there is no upstream ${upstream}` }]
  })
}

/** Tokens, secrets and keys cross these connections. */
function httpsBeyondLoopback({ issuers, upstreams }: Config): PathProblem[] {
  const urls: [path: string[], url: string | undefined][] = [
    ...Object.entries(issuers).flatMap(([name, issuer]): [string[], string | undefined][] => [
      [['issuers', name, 'issuer'], issuer.issuer],
      [['issuers', name, 'jwks_uri'], issuer.jwks_uri],
      [['issuers', name, 'introspection', 'endpoint'], issuer.introspection?.endpoint],
      [['issuers', name, 'revocation_feed', 'endpoint'], issuer.revocation_feed?.endpoint],
    ]),
    ...Object.entries(upstreams).map(([name, upstream]): [string[], string] => [
      ['upstreams', name, 'token_endpoint'],
      upstream.token_endpoint,
    ]),
  ]
  return urls.flatMap(([path, url]) => {
    if (url === undefined) return []
    if (!URL.canParse(url)) return [{ path, reason: 'is not a URL' }]
    const { protocol, hostname, username, password } = new URL(url)
    if (username || password) return [{ path, reason: 'must not hold credentials' }]
    return protocol === 'https:' || isLoopback(hostname) ? [] : [{ path, reason: 'must be https, except on loopback' }]
  })
}

function distinctIssuers({ issuers }: Config): PathProblem[] {
  const seen = new Map<string, string>()
  return Object.entries(issuers).flatMap(([name, { issuer }]) => {
    const first = seen.get(issuer)
    seen.set(issuer, first ?? name)
    return first === undefined ? [] : [{ path: ['issuers', name, 'issuer'], reason: `is the issuer of ${first} too` }]
  })
}

/** An opaque token does not say who issued it, and asking the wrong issuer would hand it over. */
function oneIntrospectionPerPolicy({ policies, issuers }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, policy]) => {
    const introspecting = policy.issuers.filter((issuer) => issuers[issuer]?.introspection)
    if (introspecting.length < 2) return []
    const reason = `only one issuer of a policy may have introspection, not ${introspecting.join(' and ')}`
    return [{ path: ['policies', name, 'issuers'], reason }]
  })
}

/** Two headers of one name would overwrite each other. */
function headersApart({ policies, upstreams }: Config): PathProblem[] {
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
function headersFree({ policies, upstreams }: Config): PathProblem[] {
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
function callerTokenForwardable({ policies, upstreams }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, { caller_token, upstream }]) => {
    const { header } = (upstream !== undefined && upstreams[upstream]) || {}
    if (caller_token !== 'forward' || !header || canonicalHeaderName(header) !== 'authorization') return []
    const reason = "cannot be forward, since the upstream's token takes the same header"
    return [{ path: ['policies', name, 'caller_token'], reason }]
  })
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
