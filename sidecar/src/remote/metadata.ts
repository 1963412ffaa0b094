/** What an issuer says about itself (OpenID Connect Discovery 1.0; RFC 8414), for endpoints that are not configured. */
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { DependencyError } from '../failures.ts'
import type { Dependency } from './calls/dependency.ts'
import type { HttpClient } from './calls/http-client.ts'
import { createSingleFlight } from './calls/single-flight.ts'

const endpoints = {
  jwks_uri: Type.Optional(Type.String()),
  token_endpoint: Type.Optional(Type.String()),
  introspection_endpoint: Type.Optional(Type.String()),
  postern_revocation_feed_endpoint: Type.Optional(Type.String()),
}
const Metadata = Type.Object({
  issuer: Type.String(),
  ...endpoints,
  mtls_endpoint_aliases: Type.Optional(Type.Object(endpoints)),
})
type Metadata = Static<typeof Metadata>
export type MetadataEndpoint = keyof typeof endpoints

/**
 * The address of an endpoint. @throws DependencyError
 * @param withCertificate whether ours is shown to it: such connections may have an address of their own (RFC 8705 section 5)
 */
export type FindEndpoint = (endpoint: MetadataEndpoint, withCertificate?: boolean) => Promise<string>

export interface MetadataOptions {
  issuer: string
  timeoutMs: number
  http: HttpClient
  dependency: Dependency
  /** ms since the epoch */
  now: () => number
}

/** Read anew, in the background, once it is this old. */
const refreshAfterMs = 600_000
/** While it cannot be read, it serves this long, as the issuer's keys do. */
const keepForMs = 86_400_000

export function createMetadata({ issuer, timeoutMs, http, dependency, now }: MetadataOptions): FindEndpoint {
  const flights = createSingleFlight<Metadata>()
  let known: { metadata: Metadata; readAt: number } | undefined

  // Without the issuer's terminating slash (OpenID Connect Discovery 1.0 section 4.1).
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

  const read = () =>
    dependency.call(async () => {
      const answer = await http.send({ method: 'GET', url, timeoutMs })
      if (answer.status !== 200 || !Value.Check(Metadata, answer.json)) {
        throw new DependencyError(dependency.name, `status ${answer.status}, or no metadata`)
      }
      // Another issuer's metadata would redirect trust (RFC 8414 section 3.3).
      if (answer.json.issuer !== issuer) throw new DependencyError(dependency.name, 'names another issuer')
      known = { metadata: answer.json, readAt: now() }
      return answer.json
    })

  /** Where endpoints are seldom changes, so nobody waits for the refresh; the next one asks again where it failed. */
  const kept = () => {
    // A clock that was set back stretches it no more than one that runs on.
    const age = known ? Math.abs(now() - known.readAt) : Number.POSITIVE_INFINITY
    if (age > keepForMs) return undefined
    if (age > refreshAfterMs) flights.run('', read).catch(() => undefined)
    return known?.metadata
  }

  return async (endpoint, withCertificate = false) => {
    const metadata = kept() ?? (await flights.run('', read))
    const alias = withCertificate ? metadata.mtls_endpoint_aliases?.[endpoint] : undefined
    const address = alias ?? metadata[endpoint]
    if (address === undefined) throw new DependencyError(dependency.name, `names no ${endpoint}`)
    if (!isSafe(address, issuer)) throw new DependencyError(dependency.name, `names an unsafe ${endpoint}`)
    return address
  }
}

/** https stays https: metadata may not move an exchange to a channel that anybody reads. */
function isSafe(address: string, issuer: string): boolean {
  if (!URL.canParse(address)) return false
  const url = new URL(address)
  return url.protocol === 'https:' || (url.protocol === 'http:' && url.origin === new URL(issuer).origin)
}
