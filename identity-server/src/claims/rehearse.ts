/** What claims would come out as, each by itself and place by place, for those who write them. */
import { type Placement, placements } from './claim.ts'
import type { ClaimSet } from './claim-set.ts'
import type { ClaimContext } from './context.ts'
import { evaluateEach, type Outcome } from './evaluate.ts'
import { createAttributes } from './sources/attributes.ts'

export interface Rehearsal {
  claims: Outcome[]
  places: { place: Placement; outcomes: Outcome[] }[]
}

export async function rehearse(set: ClaimSet, context: ClaimContext): Promise<Rehearsal> {
  // One for all: no source is asked twice.
  const attributes = createAttributes(set.sources)
  const claims: Outcome[] = []
  // One by one, so that a costly one does not spoil the others.
  for (const claim of new Set(placements.flatMap((place) => set.claims[place]))) {
    claims.push(...(await evaluateEach([claim], context, attributes)))
  }
  const places: Rehearsal['places'] = []
  for (const place of placements) {
    places.push({ place, outcomes: await evaluateEach(set.claims[place], context, attributes) })
  }
  return { claims, places }
}
