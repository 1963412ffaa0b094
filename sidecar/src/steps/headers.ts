/** The last step: which headers the upstream gets, and which of the client's it must never see. */
import { canonicalHeaderName } from '@postern/protocol/header-name'
import type { MappedClaim } from '../config/schema/headers.ts'
import type { PolicyConfig } from '../config/schema/policy.ts'
import { certificateHeader } from '../config/schema/sender-constraint.ts'
import { headerValueOf } from './claim-value.ts'
import type { Identity } from './identity.ts'
import { conditionsOnRequest } from './requirements/conditions.ts'

export interface HeaderPlan {
  /** Canonical names that are removed from every request, whether or not they are set afterwards. */
  remove: readonly string[]
  /** The identity headers for an identity. */
  identityHeaders(identity: Pick<Identity, 'claims'>): Record<string, string>
}

type HeadersPolicy = Pick<
  PolicyConfig,
  | 'headers'
  | 'identity_token'
  | 'caller_token'
  | 'token_from'
  | 'rules'
  | 'conditions'
  | 'cors_preflight'
  | 'dpop'
  | 'client_certificate'
>

/** With them, some frameworks take a request for one of another method, or of another path, than was looked at. */
const methodOverrides = ['x-http-method', 'x-http-method-override', 'x-method-override']
const pathOverrides = ['x-original-url', 'x-rewrite-url']

/** @param upstreamHeader the header that carries the upstream's token, if the policy has an upstream */
export function planHeaders(policy: HeadersPolicy, upstreamHeader: string | undefined): HeaderPlan {
  const mapped = mappedHeaders(policy.headers).map(({ name, mapping }) => ({ name: name.toLowerCase(), mapping }))
  const names = new Set(mapped.map(({ name }) => canonicalHeaderName(name)))
  if (policy.caller_token === 'remove') for (const name of tokenHeaders(policy)) names.add(name)
  const certificate = certificateHeader(policy.client_certificate)
  if (certificate !== undefined) names.add(canonicalHeaderName(certificate))
  if (policy.identity_token) names.add(canonicalHeaderName(policy.identity_token.header))
  if (upstreamHeader !== undefined) names.add(canonicalHeaderName(upstreamHeader))
  for (const name of overrides(policy)) names.add(name)
  return {
    remove: [...names],
    identityHeaders({ claims }) {
      const headers: Record<string, string> = {}
      for (const { name, mapping } of mapped) {
        const value = headerValueOf(claims, mapping)
        if (value !== undefined) headers[name] = value
      }
      return headers
    },
  }
}

/** What is decided by the method or by the path holds for those only that the upstream takes the request for. */
function overrides(policy: HeadersPolicy): string[] {
  const { rules, cors_preflight: preflight } = policy
  const conditional = conditionsOnRequest(policy)
  const byMethod = conditional || preflight === 'forward' || rules.some(({ methods }) => methods)
  const byPath = conditional || rules.some(({ paths }) => paths)
  return [...(byMethod ? methodOverrides : []), ...(byPath ? pathOverrides : [])]
}

const usual = { format: 'text', separator: ' ', required: false } as const

/** The configured headers, everything about them written out. */
export function mappedHeaders(headers: PolicyConfig['headers']): { name: string; mapping: MappedClaim }[] {
  return Object.entries(headers).map(([name, mapping]) => ({
    name,
    mapping: { ...usual, ...(typeof mapping === 'string' ? { claim: mapping } : mapping) },
  }))
}

/**
 * `Authorization` always: where the token is taken from elsewhere, the upstream must not find another one there. A proof is
 * of no use without its token.
 */
function tokenHeaders({ token_from: sources, dpop }: HeadersPolicy): string[] {
  return [
    'authorization',
    ...(dpop ? ['dpop'] : []),
    ...sources.flatMap(({ header }) => (header ? [canonicalHeaderName(header)] : [])),
  ]
}
