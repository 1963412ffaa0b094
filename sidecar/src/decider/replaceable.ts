/** The decider that transports ask: another one can take its place between two requests, and the old one drains. */
import type { Decider } from './decider.ts'

export interface ReplaceableDecider extends Decider {
  /** Work that is no decision, but done with what the decider is made of: that it ends is waited for as well. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** Requests that wait, at this and all replaced ones. */
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

  const isUnderWay = <T>(asked: Turn, work: Promise<T>): Promise<T> => {
    asked.underWay += 1
    total += 1
    return work.finally(() => {
      asked.underWay -= 1
      total -= 1
      if (asked.underWay === 0) for (const resolve of asked.onIdle.splice(0)) resolve()
    })
  }

  return {
    decide(policy, request) {
      const asked = turn
      const decision = asked.decider.decide(policy, request)
      // What is known at once is never under way.
      return decision instanceof Promise ? isUnderWay(asked, decision) : decision
    },
    during: (work) => isUnderWay(turn, work()),
    underWay: () => total,
    replace(next) {
      const old = turn
      turn = { decider: next, underWay: 0, onIdle: [] }
      return old.underWay === 0 ? Promise.resolve() : new Promise((resolve) => old.onIdle.push(resolve))
    },
  }
}
