import { canonicalHeaderName } from '@postern/protocol/header-name'
import type { PolicyConfig } from '../schema/policy.ts'
import type { PathProblem } from './check.ts'
import { reservedHeaders } from './headers.ts'
import { ofEach } from './policies.ts'

/** A proof is for a URI, of which a request itself says only the path. */
export const dpopOriginKnown = ofEach(({ dpop }, path) => {
  if (!dpop || dpop.origin_from_gateway === (dpop.origins === undefined)) return []
  return [{ path: [...path, 'dpop'], reason: 'either origins or origin_from_gateway: true is needed, and not both' }]
})

/** A token that is bound to a key by DPoP comes with its own scheme, which no other place has. */
export const dpopTokenFindable = ofEach(({ dpop, token_from: sources }, path) => {
  const findable = sources.some(({ header }) => header?.toLowerCase() === 'authorization')
  if (!dpop || findable) return []
  return [{ path: [...path, 'dpop'], reason: 'has no effect, since no token is taken from authorization' }]
})

/** What is required, but cannot be proven here, would let nobody through. */
export const requiredBindingProvable = ofEach((policy, path) => [
  ...unprovable(policy, policy.sender_constraint, path),
  ...policy.rules.flatMap((rule, index) =>
    unprovable(policy, rule.sender_constraint, [...path, 'rules', String(index)]),
  ),
])

function unprovable(
  { dpop, client_certificate: certificate }: PolicyConfig,
  required: PolicyConfig['sender_constraint'],
  path: readonly string[],
): PathProblem[] {
  const needed = {
    none: [],
    dpop: dpop ? [] : ['dpop'],
    mtls: certificate ? [] : ['client_certificate'],
    any: dpop || certificate ? [] : ['dpop', 'client_certificate'],
  }[required]
  if (needed.length === 0) return []
  return [{ path: [...path, 'sender_constraint'], reason: `needs ${needed.join(' or ')} in the policy` }]
}

/** A client could then show another's certificate, or a proof, where the gateway lets it show something else. */
export const certificateHeaderApart = ofEach(({ client_certificate: certificate, token_from: sources }, path) => {
  const { header } = certificate ?? {}
  if (header === undefined) return []
  const at = [...path, 'client_certificate', 'header']
  if (certificate?.from === 'gateway') return [{ path: at, reason: 'has no effect, since no header is read' }]
  const taken = ['authorization', 'dpop', ...reservedHeaders, ...sources.flatMap((source) => source.header ?? [])]
  const isTaken = taken.map(canonicalHeaderName).includes(canonicalHeaderName(header))
  return isTaken ? [{ path: at, reason: 'is a header that is needed otherwise' }] : []
})
