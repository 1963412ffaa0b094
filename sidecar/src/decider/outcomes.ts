/** What became of tokens: known ones, and those that somebody asks about for the first time. */
import type { CacheConfig } from '../config/schema/cache.ts'
import { DependencyError, Refusal } from '../failures.ts'
import { createSingleFlight } from '../remote/single-flight.ts'
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

export interface OutcomesParts {
  /** The policy's name. */
  name: string
  refusals: Refusals
  authenticate: Authenticate
  admission: Admission
  upstream: UpstreamStep | undefined
  cache: CacheConfig
  /** ms since the epoch */
  now: () => number
}

/** Tokens that are being authenticated at once, in each policy: beyond that, asking more would help nobody. */
const maxInFlight = 10_000

export function createOutcomes({
  name,
  refusals,
  authenticate,
  admission,
  upstream,
  cache,
  now,
}: OutcomesParts): Outcomes {
  const outcomes = createOutcomeCache(cache)
  const flights = createSingleFlight<Outcome>()

  const establish = async (token: string): Promise<Outcome> => {
    try {
      const identity = await authenticate(token)
      const tokens = upstream?.tokensOf({ token, ...identity })
      const outcome = admission.verified(identity, readConfirmation(identity.claims), now(), tokens)
      outcomes.set(token, outcome, now())
      return outcome
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const outcome = { refused: refusals.of(error), holdsUntil: Number.POSITIVE_INFINITY }
      if (!error.passing) outcomes.set(token, outcome, now())
      return outcome
    }
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
