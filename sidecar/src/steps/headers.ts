/** The last step: which headers the upstream gets, and which of the client's it must never see. */
import { canonicalHeaderName } from '@postern/protocol/header-name'
import type { PolicyConfig } from '../config/schema/policy.ts'
import type { Identity } from './identity.ts'

export interface HeaderPlan {
  /** Canonical names that are removed from every request, whether or not they are set afterwards. */
  remove: readonly string[]
  /** The identity headers for an identity. */
  identityHeaders(identity: Identity): Record<string, string>
}

/** @param upstreamHeader the header that carries the upstream's token, if the policy has an upstream */
export function planHeaders(policy: PolicyConfig, upstreamHeader: string | undefined): HeaderPlan {
  const mapped = Object.entries(policy.headers).map(([name, claim]) => ({ name: name.toLowerCase(), claim }))
  const names = new Set(mapped.map(({ name }) => canonicalHeaderName(name)))
  if (policy.caller_token === 'remove') names.add('authorization')
  if (upstreamHeader !== undefined) names.add(canonicalHeaderName(upstreamHeader))
  return {
    remove: [...names],
    identityHeaders({ claims }) {
      const headers: Record<string, string> = {}
      for (const { name, claim } of mapped) {
        const value = toHeaderValue(claims[claim])
        if (value !== undefined) headers[name] = value
      }
      return headers
    },
  }
}

/** What may stand in a header: visible ASCII and spaces. Anything else could break out of it, or be misread. */
const safe = /^[\x20-\x7E]{1,4096}$/

function toHeaderValue(claim: unknown): string | undefined {
  const text = toText(claim)
  return text !== undefined && safe.test(text) ? text : undefined
}

function toText(claim: unknown): string | undefined {
  if (typeof claim === 'string') return claim
  if (typeof claim === 'number' || typeof claim === 'boolean') return String(claim)
  if (Array.isArray(claim) && claim.every((item): item is string => typeof item === 'string')) return claim.join(' ')
  return undefined
}
