/** Delegation: who acts for whom (RFC 8693 sections 4.1 and 4.4). */
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'

const identity = {
  sub: Type.String({ minLength: 1 }),
  iss: Type.Optional(Type.String()),
  client_id: Type.Optional(Type.String()),
}

/** Whoever acts, and in `act` those who acted before, the most recent one outermost. */
export interface Actor {
  sub: string
  iss?: string
  client_id?: string
  act?: Actor
}

export const Actor = Type.Cyclic(
  { Actor: Type.Object({ ...identity, act: Type.Optional(Type.Ref('Actor')) }) },
  'Actor',
)

/** Longer chains are not followed. */
export const maxActors = 8

/** The value of an `act` claim; undefined where it is none, or names more than `maxActors`. */
export function parseActor(value: unknown): Actor | undefined {
  return depthOf(value) <= maxActors && Value.Check(Actor, value) ? value : undefined
}

/** How many `act` stand in each other; counted first, since whoever checks a value descends into it. */
function depthOf(value: unknown): number {
  let depth = 0
  let inner = value
  for (; typeof inner === 'object' && inner !== null && depth <= maxActors; depth += 1) {
    inner = 'act' in inner ? inner.act : undefined
  }
  return depth
}

const MayAct = Type.Partial(Type.Object(identity))
export type MayAct = Static<typeof MayAct>

/**
 * Whether a `may_act` claim names the actor: every member that it has must be the actor's. One that names nobody, or says
 * something that is not understood, allows nobody.
 */
export function mayAct(claim: unknown, actor: Actor): boolean {
  if (!Value.Check(MayAct, claim)) return false
  const known: Readonly<Record<string, unknown>> = { sub: actor.sub, iss: actor.iss, client_id: actor.client_id }
  const members = Object.entries(claim)
  return members.length > 0 && members.every(([name, value]) => known[name] === value)
}
