/**
 * What a request would get, step by step (`POST /explain`): decided as ever, by steps that tell what they find and leave
 * nothing behind. No outcome is taken from the cache or put there, no proof is used up, and no token is fetched for an upstream.
 */
import { createHash } from 'node:crypto'
import type { Decision, DecisionRequest } from '@postern/protocol/decision'
import { Refusal, safeReason } from '../failures.ts'
import type { TokenSource } from '../remote/upstream-tokens/upstream-tokens.ts'
import { tokenKind } from '../steps/token-kind.ts'
import { createTimer } from '../timing.ts'
import { createDecide, type Steps } from './decide.ts'
import type { Outcome } from './outcome-cache.ts'
import { createExamine, type ExamineParts } from './outcomes.ts'
import { unavailable } from './refusals.ts'
import type { Route } from './routes.ts'

export interface ExplainedStep {
  step: string
  /** What it found; for the last one, why it ended there. */
  result: string
  /** ms */
  took: number
  details?: Readonly<Record<string, unknown>>
}

export interface Explanation {
  steps: ExplainedStep[]
  /** Without the tokens that it carries. */
  decision: Decision
}

/** Those of a policy, of which none uses anything up. */
export interface ExplainableSteps extends Omit<Steps, 'outcomes'>, Pick<ExamineParts, 'authenticate'> {
  /** What the cache of outcomes has for a token. */
  known(token: string): Outcome | undefined
}

/** The metrics tell of decisions alone. */
const untimed = createTimer(() => undefined)

type Note = (step: string, result: string, details?: ExplainedStep['details']) => void

export async function explain(steps: ExplainableSteps, request: DecisionRequest): Promise<Explanation> {
  const explained: ExplainedStep[] = []
  let begun = performance.now()
  const note: Note = (step, result, details) => {
    const time = performance.now()
    // What is asked once more, after a wait, is told where the answer is another one.
    if (explained.findLast((earlier) => earlier.step === step)?.result !== result) {
      explained.push({ step, result, took: round(time - begun), ...(details && { details }) })
    }
    begun = time
  }
  try {
    const decision = await createDecide(telling(steps, note))(request)
    return { steps: explained, decision: withoutTokens(decision) }
  } catch (error) {
    note('ended', safeReason(error))
    return { steps: explained, decision: unavailable }
  }
}

function telling(steps: ExplainableSteps, note: Note): Steps {
  const upstream = steps.upstream && tellingUpstream(steps.upstream, note)
  return {
    ...steps,
    timers: { revocation: untimed, requirements: untimed, upstreamToken: untimed },
    upstream,
    outcomes: tellingOutcomes({ ...steps, upstream }, note),
    routes: {
      of(request) {
        const route = steps.routes.of(request)
        if (route !== 'ambiguous') return tellingRoute(route, note)
        note('rule', 'the path or the method has more than one reading')
        return route
      },
    },
    isOpenPreflight(request) {
      const open = steps.isOpenPreflight(request)
      if (open) note('preflight', 'it gets through without a token')
      return open
    },
    extractToken(request) {
      const extraction = steps.extractToken(request)
      if (extraction === 'repeated') note('token', 'there is more than one')
      else if (extraction === 'none') note('token', 'there is none')
      else note('token', 'found', describe(extraction.token))
      return extraction
    },
    checkRevocation(token) {
      const state = steps.checkRevocation(token)
      note('revocation', state)
      return state
    },
    async checkPossession(...asked) {
      try {
        await steps.checkPossession(...asked)
        note('sender_constraint', 'proven, if the proof was not used before')
      } catch (error) {
        if (error instanceof Refusal) note('sender_constraint', error.message, { code: error.code })
        throw error
      }
    },
  }
}

function tellingRoute(route: Route, note: Note): Route {
  note('rule', `access: ${route.access}`)
  return {
    ...route,
    refusal(...asked) {
      const refusal = route.refusal(...asked)
      note('requirements', refusal?.body.error_description ?? 'met')
      return refusal
    },
  }
}

function tellingOutcomes(steps: ExplainableSteps, note: Note): Steps['outcomes'] {
  const examine = createExamine({
    ...steps,
    async authenticate(token) {
      const identity = await steps.authenticate(token)
      const { issuer, claims, expiresAt } = identity
      note('authenticate', `issuer ${issuer}`, { claims, expires_at: seconds(expiresAt) })
      return identity
    },
  })
  return {
    known(token) {
      const kept = steps.known(token)
      note(
        'cache',
        kept === undefined ? 'nothing is kept for it' : 'refused' in kept ? 'a refusal is kept' : 'it is kept',
      )
      return undefined
    },
    async establish(token) {
      const outcome = await examine(token)
      if ('refused' in outcome) {
        const { error, error_description } = outcome.refused.body
        note('refused', error_description, { code: error })
      }
      return outcome
    },
  }
}

function tellingUpstream(
  { header, tokensOf }: NonNullable<Steps['upstream']>,
  note: Note,
): NonNullable<ExplainableSteps['upstream']> {
  const telling = (source: TokenSource): TokenSource => {
    /** In place of the token, whether there is one or it would be fetched. */
    const current = () => {
      const token = source.peek()
      const details = token && { header, expires_at: seconds(token.expiresAt) }
      note('upstream_token', token ? 'there is one' : 'it would be fetched', details)
      const { scheme = 'Bearer' as const, expiresAt = Number.POSITIVE_INFINITY } = token ?? {}
      return { accessToken: '', scheme, boundTo: undefined, headerValue: redacted, expiresAt }
    }
    return { current, peek: source.peek, get: async () => current() }
  }
  return {
    header,
    tokensOf(caller) {
      const source = tokensOf(caller)
      if (source) return telling(source)
      note('upstream_token', 'there is none for such a caller')
      return undefined
    },
  }
}

/** Enough to know it again by, and no more. */
function describe(token: string): Record<string, unknown> {
  const { kind } = tokenKind(token)
  return { kind, length: token.length, sha256: createHash('sha256').update(token).digest('hex').slice(0, 12) }
}

const carriesToken = /^(Bearer|DPoP) |^[\w-]+\.[\w-]+\.[\w-]*$/
const redacted = '[redacted]'

function withoutTokens(decision: Decision): Decision {
  if (decision.decision !== 'allow') return decision
  const shown = Object.entries(decision.set_headers).map(([name, value]) =>
    name === 'cookie' || carriesToken.test(value) ? [name, redacted] : [name, value],
  )
  return { ...decision, set_headers: Object.fromEntries(shown) }
}

/** Since the epoch; null where it is not known. */
function seconds(ms: number): number | null {
  return Number.isFinite(ms) ? ms / 1_000 : null
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}
