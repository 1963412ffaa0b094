/** What became of tokens: known ones, and those that somebody asks about for the first time. */
import type { CacheConfig } from '../config/schema/cache.ts'
import { DependencyError, Refusal } from '../failures.ts'
import { createSingleFlight } from '../remote/calls/single-flight.ts'
import type { Authenticate } from '../steps/identity.ts'
import { readConfirmation } from '../steps/sender-constraint/confirmation.ts'
import type { UpstreamStep } from '../steps/upstream-token.ts'
import type { Admission } from './admission.ts'
import { createOutcomeCache, type Outcome } from './outcome-cache.ts'
import type { Refusals } from './refusals.ts'

export interface Outcomes {
  known(token: string): Outcome | undefined
  /** Authenticates a token once, however many ask. @throws DependencyError */
  establish(token: string): Promise<Outcome>
  readonly size: number
}

export interface ExamineParts {
  refusals: Refusals
  authenticate: Authenticate
  admission: Admission
  upstream: Pick<UpstreamStep, 'header' | 'tokensOf'> | undefined
  /** ms since the epoch */
  now: () => number
}

/** What becomes of a token; nothing is kept of it. @throws DependencyError */
export type Examine = (token: string) => Promise<Outcome>

export function createExamine({ refusals, authenticate, admission, upstream, now }: ExamineParts): Examine {
  return async (token) => {
    try {
      const identity = await authenticate(token)
      const tokens = upstream?.tokensOf({ token, ...identity })
      return admission.verified(identity, readConfirmation(identity.claims), now(), tokens)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { refused: refusals.of(error), holdsUntil: error.passing ? now() : Number.POSITIVE_INFINITY }
    }
  }
}

export interface OutcomesParts extends ExamineParts {
  /** The policy's name. */
  name: string
  cache: CacheConfig
}

/** Tokens that are being authenticated at once, in each policy: beyond that, asking more would help nobody. */
const maxInFlight = 10_000

export function createOutcomes(parts: OutcomesParts): Outcomes {
  const { name, cache, now } = parts
  const examine = createExamine(parts)
  const outcomes = createOutcomeCache(cache)
  const flights = createSingleFlight<Outcome>()

  const establish = async (token: string): Promise<Outcome> => {
    const outcome = await examine(token)
    const time = now()
    // What does not hold any more takes no place from what does.
    if (time < outcome.holdsUntil) outcomes.set(token, outcome, time)
    return outcome
  }

  return {
    known: (token) => outcomes.get(token, now()),
    establish(token) {
      if (flights.size >= maxInFlight) throw new DependencyError(name, 'too many tokens are being authenticated')
      return flights.run(token, () => establish(token))
    },
    get size() {
      return outcomes.size
    },
  }
}
