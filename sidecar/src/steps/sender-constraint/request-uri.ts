/**
 * The URI of a request as its client saw it, which proofs are made for (RFC 9449 section 4.2, `htu`). Scheme and host are
 * taken from the policy or from the gateway, and never from what the client says.
 */
import type { DecisionRequest } from '@postern/protocol/decision'
import { normalizeHttpUri } from '@postern/protocol/dpop'

/** @returns normalised, without query; several where a policy serves several origins, none where it cannot be known */
export type RequestUris = (request: DecisionRequest) => readonly string[]

/** Those of fixed origins. @param origins `https://api.example.com` */
export function urisAtOrigins(origins: readonly string[]): RequestUris {
  return (request) => origins.flatMap((origin) => uriOf(origin, request))
}

/** Of whatever origin the gateway says that the request came to. */
export const uriFromGateway: RequestUris = (request) => {
  const { scheme, authority } = request
  if (scheme === undefined || authority === undefined) return []
  return isScheme.test(scheme) && isAuthority.test(authority) ? uriOf(`${scheme}://${authority}`, request) : []
}

const isScheme = /^https?$/i
/** A host and a port, and nothing that would end them: neither a user nor a path, nor a list of a chain of proxies. */
const isAuthority = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

/** In origin form (RFC 9112 section 3.2.1) only: others name a host themselves. */
function uriOf(origin: string, { uri }: DecisionRequest): string[] {
  if (!uri.startsWith('/')) return []
  const mark = uri.indexOf('?')
  const normalized = normalizeHttpUri(origin + (mark < 0 ? uri : uri.slice(0, mark)))
  return normalized === undefined ? [] : [normalized]
}
