/** What the gateway itself is told of a caller, for its other filters and its log; headers are for the upstream. */
import type { Identity } from './identity.ts'

export type GatewayClaims = (identity: Identity) => Record<string, unknown>

/** Of every policy, where gateways ask over gRPC. */
export const usualGatewayClaims = ['sub', 'client_id', 'scope']

/**
 * @param names of the claims, beside `iss`
 * @param identifierOf from the name of an issuer to its identifier, which not every introspection endpoint tells
 */
export function createGatewayClaims(names: readonly string[], identifierOf: (issuer: string) => string): GatewayClaims {
  return ({ issuer, claims }) => ({
    ...Object.fromEntries(names.flatMap((name) => (Object.hasOwn(claims, name) ? [[name, claims[name]]] : []))),
    iss: identifierOf(issuer),
  })
}
