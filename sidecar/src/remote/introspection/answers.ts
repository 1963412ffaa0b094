/**
 * What an issuer has said about tokens, for all policies: asked once at a time for each token, and remembered while it is
 * fresh. Tokens that are not active are remembered apart, shorter and fewer: made-up ones displace nobody. Below, Redis may
 * hold what other sidecars were told.
 */
import { LRUCache } from 'lru-cache'
import Type, { type Static } from 'typebox'
import { createSingleFlight } from '../calls/single-flight.ts'
import type { Claims } from '../jwt/issuer-jwt.ts'
import type { SecondLevel } from '../redis/second-level.ts'
import type { Ask } from './question.ts'

export interface IntrospectionAnswer {
  /** Undefined where the token is not active. */
  claims: Claims | undefined
  /** ms since the epoch: whatever it tells was true then. */
  askedAt: number
}

export interface IntrospectionAnswers {
  /** A fresh one. @throws DependencyError */
  get(token: string): Promise<IntrospectionAnswer>
  /** The last one, however old: for those who may make do with it. */
  last(token: string): IntrospectionAnswer | undefined
}

/** What other sidecars may be told: of active tokens only. */
export const SharedAnswer = Type.Object({ claims: Type.Record(Type.String(), Type.Unknown()), askedAt: Type.Number() })

export interface AnswersOptions {
  ask: Ask
  /** How long answers are fresh, in ms. */
  freshMs: { active: number; inactive: number }
  secondLevel: SecondLevel<Static<typeof SharedAnswer>> | undefined
  /** ms since the epoch */
  now: () => number
}

const limits = {
  active: { max: 50_000, maxSize: 64 * 1024 * 1024 },
  inactive: { max: 10_000, maxSize: 8 * 1024 * 1024 },
}
/** Between sidecars. */
const clocksDifferMs = 1_000
/** Of an entry beside its token and claims. */
const overheadBytes = 500

export function createIntrospectionAnswers({ ask, freshMs, secondLevel, now }: AnswersOptions): IntrospectionAnswers {
  const flights = createSingleFlight<IntrospectionAnswer>()
  const active = createLru(limits.active)
  const inactive = createLru(limits.inactive)

  const freshFor = ({ claims, askedAt }: IntrospectionAnswer) => {
    // The clock was set back, or is that of a sidecar whose is ahead: how old the answer is cannot be told.
    if (askedAt > now() + clocksDifferMs) return 0
    const until = askedAt + (claims ? freshMs.active : freshMs.inactive)
    const expiresAt = typeof claims?.exp === 'number' ? claims.exp * 1_000 : Number.POSITIVE_INFINITY
    return Math.min(until, expiresAt) - now()
  }

  const remember = (token: string, answer: IntrospectionAnswer) => {
    const [to, from] = answer.claims ? [active, inactive] : [inactive, active]
    from.delete(token)
    to.set(token, answer)
    return answer
  }

  const askIssuer = async (token: string): Promise<IntrospectionAnswer> => {
    const askedAt = now()
    const claims = await ask(token)
    const answer = remember(token, { claims, askedAt })
    if (claims) secondLevel?.set({ claims, askedAt }, freshFor(answer), token)
    return answer
  }

  const askOthers = async (token: string): Promise<IntrospectionAnswer | undefined> => {
    const shared = await secondLevel?.get(token)
    return shared && freshFor(shared) > 0 ? remember(token, shared) : undefined
  }

  const last = (token: string) => active.get(token) ?? inactive.get(token)
  return {
    last,
    get(token) {
      const known = last(token)
      if (known && freshFor(known) > 0) return Promise.resolve(known)
      return flights.run(token, async () => (await askOthers(token)) ?? askIssuer(token))
    },
  }
}

function createLru(limit: { max: number; maxSize: number }): LRUCache<string, IntrospectionAnswer> {
  return new LRUCache({ ...limit, sizeCalculation: sizeOf })
}

/** Bytes. */
function sizeOf({ claims }: IntrospectionAnswer, token: string): number {
  return overheadBytes + token.length + (claims ? 2 * JSON.stringify(claims).length : 0)
}
