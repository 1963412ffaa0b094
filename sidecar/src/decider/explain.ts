/**
 * What a request would get, step by step (`POST /explain`). The steps are those of policy.ts, without its shortcuts: nothing
 * is taken from the cache of outcomes or put there, no proof is used up, and no token is fetched for an upstream.
 */
import { createHash } from 'node:crypto'
import type { Decision, DecisionRequest } from '@postern/protocol/decision'
import { Refusal, safeReason } from '../failures.ts'
import type { TokenSource } from '../remote/upstream-tokens.ts'
import type { ExtractToken } from '../steps/extract.ts'
import type { Authenticate } from '../steps/identity.ts'
import { isPreflight } from '../steps/preflight.ts'
import type { CheckRevocation } from '../steps/revocation.ts'
import { readConfirmation } from '../steps/sender-constraint/confirmation.ts'
import type { CheckPossession } from '../steps/sender-constraint/possession.ts'
import { tokenKind } from '../steps/token-kind.ts'
import type { PresentedToken } from '../steps/token-sources/source.ts'
import type { UpstreamStep } from '../steps/upstream-token.ts'
import type { Admission } from './admission.ts'
import type { Outcome, Verified } from './outcome-cache.ts'
import { ambiguous, closed, type Refusals, unavailable } from './refusals.ts'
import type { Route, Routes } from './routes.ts'

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

/** What a policy is compiled of, as far as it decides. */
export interface DecidingParts {
  refusals: Refusals
  routes: Routes
  extractToken: ExtractToken
  authenticate: Authenticate
  /** Checks the proof of a bound token, without using it up. */
  rehearsePossession: CheckPossession
  checkRevocation: CheckRevocation
  admission: Admission
  upstream: UpstreamStep | undefined
  /** Whether preflight requests (Fetch standard, section 3.3) get through: they cannot carry a token. */
  forwardsPreflight: boolean
  /** ms since the epoch */
  now: () => number
}

/** @param kept what the cache of outcomes has for a token */
export async function explain(
  parts: DecidingParts,
  kept: (token: string) => Outcome | undefined,
  request: DecisionRequest,
): Promise<Explanation> {
  const steps: ExplainedStep[] = []
  let begun = performance.now()
  const note = (step: string, result: string, details?: ExplainedStep['details']) => {
    const time = performance.now()
    steps.push({ step, result, took: round(time - begun), ...(details && { details }) })
    begun = time
  }
  try {
    const decision = await decide(parts, kept, request, note)
    return { steps, decision: withoutTokens(decision, parts.upstream?.header) }
  } catch (error) {
    note('ended', safeReason(error))
    return { steps, decision: unavailable }
  }
}

type Note = (step: string, result: string, details?: ExplainedStep['details']) => void

async function decide(
  parts: DecidingParts,
  kept: (token: string) => Outcome | undefined,
  request: DecisionRequest,
  note: Note,
): Promise<Decision> {
  const { refusals, admission } = parts
  const route = parts.routes.of(request)
  if (route === 'ambiguous') {
    note('rule', 'the path or the method has more than one reading')
    return ambiguous
  }
  note('rule', `access: ${route.access}`)
  if (route.access === 'nobody') return closed
  if (parts.forwardsPreflight && isPreflight(request)) {
    note('preflight', 'it gets through without a token')
    return admission.anonymous(parts.now())
  }
  const extraction = parts.extractToken(request)
  if (extraction === 'repeated') {
    note('token', 'there is more than one')
    return refusals.repeated
  }
  if (extraction === 'none') {
    note('token', 'there is none')
    if (route.access !== 'anonymous') return refusals.missing
    noteUpstream(parts, undefined, note)
    return admission.anonymous(parts.now())
  }
  const { token } = extraction
  note('token', 'found', describe(token))
  const known = kept(token)
  note(
    'cache',
    known === undefined ? 'nothing is kept for it' : 'refused' in known ? 'a refusal is kept' : 'it is kept',
  )
  return decideAbout(extraction, route, request, parts, note)
}

async function decideAbout(
  presented: PresentedToken,
  route: Route,
  request: DecisionRequest,
  parts: DecidingParts,
  note: Note,
): Promise<Decision> {
  const { refusals, admission, upstream } = parts
  const { token } = presented
  let verified: Verified
  try {
    const identity = await parts.authenticate(token)
    const { issuer, claims, expiresAt } = identity
    note('authenticate', `issuer ${issuer}`, { claims, expires_at: seconds(expiresAt) })
    const tokens = upstream?.tokensOf({ token, ...identity })
    // The claims that later steps need are left out where no step asks for them; here they are at hand.
    verified = { ...admission.verified(identity, readConfirmation(claims), parts.now(), tokens), identity }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    note('refused', error.message, { code: error.code })
    return refusals.of(error)
  }
  const revocation = parts.checkRevocation(verified)
  note('revocation', revocation)
  if (revocation === 'revoked') return refusals.revoked
  if (revocation === 'unknown') return unavailable
  try {
    const isBound = verified.confirmation !== undefined || presented.scheme !== undefined
    if (isBound) await parts.rehearsePossession(presented, verified.confirmation, request)
    note('sender_constraint', isBound ? 'proven, if the proof was not used before' : 'bound to nothing')
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    note('sender_constraint', error.message, { code: error.code })
    return refusals.ofProof(error)
  }
  const refusal = route.refusal(verified, request, parts.now())
  note('requirements', refusal?.body.error_description ?? 'met')
  if (refusal) return refusal
  noteUpstream(parts, verified.upstreamTokens, note)
  return admission.finish?.(verified.allow, request) ?? verified.allow
}

function noteUpstream({ upstream }: DecidingParts, tokens: TokenSource | undefined, note: Note): void {
  if (!upstream) return
  const source = tokens ?? upstream.tokensOf(undefined)
  const current = source?.peek()
  const expires = current && { header: upstream.header, expires_at: seconds(current.expiresAt) }
  note(
    'upstream_token',
    current ? 'there is one' : source ? 'it would be fetched' : 'there is none for such a caller',
    expires,
  )
}

/** Enough to know it again by, and no more. */
function describe(token: string): Record<string, unknown> {
  const { kind } = tokenKind(token)
  return { kind, length: token.length, sha256: createHash('sha256').update(token).digest('hex').slice(0, 12) }
}

const carriesToken = /^(Bearer|DPoP) |^[\w-]+\.[\w-]+\.[\w-]*$/
const redacted = '[redacted]'

function withoutTokens(decision: Decision, upstreamHeader: string | undefined): Decision {
  if (decision.decision !== 'allow') return decision
  const shown = Object.entries(decision.set_headers).map(([name, value]) =>
    name === 'cookie' || name === upstreamHeader || carriesToken.test(value) ? [name, redacted] : [name, value],
  )
  if (upstreamHeader !== undefined) shown.push([upstreamHeader, redacted])
  return { ...decision, set_headers: Object.fromEntries(shown) }
}

/** Since the epoch; null where it is not known. */
function seconds(ms: number): number | null {
  return Number.isFinite(ms) ? ms / 1_000 : null
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}
