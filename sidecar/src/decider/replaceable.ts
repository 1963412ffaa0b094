/** The decider that transports ask: another one can take its place between two requests, and the old one drains. */
import type { Decider } from './decider.ts'

export interface ReplaceableDecider extends Decider {
  /** Requests that wait for their decision, at this and all replaced ones. */
  underWay(): number
  /** Every later request is the new one's. @returns settles once the old one has answered all that it was asked */
  replace(next: Decider): Promise<void>
}

interface Turn {
  decider: Decider
  underWay: number
  onIdle: (() => void)[]
}

export function createReplaceableDecider(first: Decider): ReplaceableDecider {
  let turn: Turn = { decider: first, underWay: 0, onIdle: [] }
  let total = 0

  return {
    decide(policy, request) {
      const asked = turn
      const decision = asked.decider.decide(policy, request)
      // What is known at once is never under way.
      if (!(decision instanceof Promise)) return decision
      asked.underWay += 1
      total += 1
      return decision.finally(() => {
        asked.underWay -= 1
        total -= 1
        if (asked.underWay === 0) for (const resolve of asked.onIdle.splice(0)) resolve()
      })
    },
    underWay: () => total,
    replace(next) {
      const old = turn
      turn = { decider: next, underWay: 0, onIdle: [] }
      return old.underWay === 0 ? Promise.resolve() : new Promise((resolve) => old.onIdle.push(resolve))
    },
  }
}
