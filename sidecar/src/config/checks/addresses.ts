import type { Config } from '../schema.ts'
import { isLoopback, type PathProblem } from './check.ts'

/** Whoever reaches the sidecar may ask it for decisions, so it is reachable on this machine only. */
export function listensOnLoopback({ listen, admin }: Config): PathProblem[] {
  const problem = (address: string | undefined, path: string[]) => {
    if (address === undefined) return []
    if (!URL.canParse(`http://${address}`)) return [{ path, reason: 'is not an address with a port up to 65535' }]
    const reason = 'must be a loopback address (127.0.0.0/8, [::1] or localhost)'
    return isLoopback(new URL(`http://${address}`).hostname) ? [] : [{ path, reason }]
  }
  return [
    ...problem(listen.tcp, ['listen', 'tcp']),
    ...problem(listen.grpc, ['listen', 'grpc']),
    ...problem(admin.tcp, ['admin', 'tcp']),
  ]
}

/** Only of TCP does the kernel spread connections over those who listen. */
export function sharesTcpOnly({ listen: { shared, tcp, ...others } }: Config): PathProblem[] {
  if (!shared || (tcp !== undefined && Object.keys(others).length === 0)) return []
  return [{ path: ['listen', 'shared'], reason: 'is for tcp, and for nothing beside it' }]
}

/** Tokens, secrets and keys cross these connections. */
export function httpsBeyondLoopback({ issuers, upstreams, policies }: Config): PathProblem[] {
  const urls: [path: string[], url: string | undefined][] = [
    ...Object.entries(issuers).flatMap(([name, issuer]): [string[], string | undefined][] => [
      [['issuers', name, 'issuer'], issuer.issuer],
      [['issuers', name, 'jwks_uri'], issuer.jwks_uri],
      [['issuers', name, 'introspection', 'endpoint'], issuer.introspection?.endpoint],
      [['issuers', name, 'revocation_feed', 'endpoint'], issuer.revocation_feed?.endpoint],
    ]),
    ...Object.entries(policies).map(([name, policy]): [string[], string | undefined] => [
      ['policies', name, 'resource_metadata', 'resource'],
      policy.resource_metadata?.resource,
    ]),
    ...Object.entries(policies).flatMap(([name, { dpop }]) =>
      (dpop?.origins ?? []).map((origin, index): [string[], string] => [
        ['policies', name, 'dpop', 'origins', String(index)],
        origin,
      ]),
    ),
    ...Object.entries(upstreams).flatMap(([name, upstream]): [string[], string | undefined][] => [
      [['upstreams', name, 'issuer'], upstream.issuer],
      [['upstreams', name, 'token_endpoint'], upstream.token_endpoint],
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
