/** All claims of an auth server, compiled, by the place where they may appear. */
import { type ClaimDefinition, type CompiledClaim, compileClaim, type KnownSources, type Placement } from './claim.ts'
import { ExpressionError } from './errors.ts'
import type { AttributeSource } from './sources/source.ts'

export interface ClaimSet {
  readonly claims: Readonly<Record<Placement, readonly CompiledClaim[]>>
  readonly introspection: {
    /** Claims that the token holds: introspection tells them as they are there. */
    repeated: ReadonlySet<string>
    /** Claims that introspection makes itself. */
    made: readonly CompiledClaim[]
  }
  readonly sources: ReadonlyMap<string, AttributeSource>
}

/** Of an auth server without claims. */
export const noClaims: ClaimSet = {
  claims: { access_token: [], id_token: [], userinfo: [], introspection: [] },
  introspection: { repeated: new Set(), made: [] },
  sources: new Map(),
}

/**
 * Compiles what is stored. A claim that no longer compiles, which saving prevents, stays in the set and cannot be
 * made: nothing is issued as if it were not there.
 */
export function compileClaimSet(
  definitions: readonly ClaimDefinition[],
  sources: readonly AttributeSource[],
): ClaimSet {
  const byName = new Map(sources.map((source) => [source.name, source]))
  const compiled = definitions.map((definition) => ({
    places: definition.placements,
    claim: compileOrFail(definition, byName),
  }))
  const claimsOf = (place: Placement) =>
    compiled.filter(({ places }) => places.includes(place)).map(({ claim }) => claim)
  const [inToken, atIntrospection] = [claimsOf('access_token'), claimsOf('introspection')]
  return {
    claims: {
      access_token: inToken,
      id_token: claimsOf('id_token'),
      userinfo: claimsOf('userinfo'),
      introspection: atIntrospection,
    },
    introspection: {
      repeated: new Set(atIntrospection.filter((claim) => inToken.includes(claim)).map(({ name }) => name)),
      made: atIntrospection.filter((claim) => !inToken.includes(claim)),
    },
    sources: byName,
  }
}

function compileOrFail(definition: ClaimDefinition, sources: KnownSources): CompiledClaim {
  try {
    return compileClaim(definition, sources)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    const make = () => {
      throw error
    }
    // Even where it is optional: nobody was ever told that it cannot be made.
    return { name: definition.name, optional: false, holds: () => true, make, conditionSources: [], valueSources: [] }
  }
}
