/**
 * Asking services for attributes: one call per question however many ask it, answers kept for as long as the source
 * allows, and a breaker for each source, so that one that is down costs nothing but a refusal.
 */
import { LRUCache } from 'lru-cache'
import CircuitBreaker from 'opossum'
import { evaluationLimits, savedLimits } from '../limits.ts'
import { type AskRemote, type Question, SourceError } from './source.ts'

/** Asks for JSON by GET; rejects for everything but a 200 with it, and after the deadline. */
export type FetchJson = (url: string, headers: Readonly<Record<string, string>>, timeoutMs: number) => Promise<unknown>

export interface RemoteAttributes {
  ask: AskRemote
  close(): void
}

export interface RemoteAttributesOptions {
  fetchJson: FetchJson
  /** ms, from any beginning. */
  now: () => number
  /** Most bytes of kept answers, of all tenants. */
  maxBytes?: number
  /** Calls under way to one source. */
  capacity?: number
  /** ms until a breaker lets one call through again. */
  resetAfterMs?: number
}

const maxBreakers = 1_000

export function createRemoteAttributes(options: RemoteAttributesOptions): RemoteAttributes {
  const { fetchJson, now, maxBytes = 64 * 1024 * 1024, capacity = 64, resetAfterMs = 5_000 } = options
  const answers = new LRUCache<string, { value: unknown }>({ maxSize: maxBytes, ttlResolution: 0, perf: { now } })
  const flights = new Map<string, Promise<unknown>>()
  const breakers = new LRUCache<string, Breaker>({ max: maxBreakers, dispose: (breaker) => breaker.close() })

  const breakerOf = (source: string) => {
    const known = breakers.get(source)
    if (known) return known
    const breaker = createBreaker(capacity, resetAfterMs)
    breakers.set(source, breaker)
    return breaker
  }

  const fetch = async ({ source, url, authorization, timeoutMs, cacheMs }: Question, key: string) => {
    const value = await breakerOf(source).call(() =>
      fetchJson(url, authorization === undefined ? {} : { authorization }, timeoutMs).then(checkAnswer),
    )
    const size = key.length + JSON.stringify(value).length
    if (cacheMs > 0) answers.set(key, { value }, { ttl: cacheMs, size })
    return value
  }

  return {
    ask(question) {
      const key = `${question.source}\n${question.url}`
      const answer = answers.get(key)
      if (answer) return answer.value
      const flight = flights.get(key)
      if (flight) return flight
      const begun = fetch(question, key).finally(() => flights.delete(key))
      flights.set(key, begun)
      return begun
    },
    close: () => breakers.clear(),
  }
}

interface Breaker {
  call(work: () => Promise<unknown>): Promise<unknown>
  close(): void
}

function createBreaker(capacity: number, resetAfterMs: number): Breaker {
  const breaker = new CircuitBreaker((work: () => Promise<unknown>) => work(), {
    // The client keeps the deadline; a second clock here would leave requests running behind.
    timeout: false,
    errorThresholdPercentage: 50,
    volumeThreshold: 5,
    rollingCountTimeout: 10_000,
    resetTimeout: resetAfterMs,
    errorFilter: (error: unknown) => !isOutage(error),
  })
  let underWay = 0
  return {
    async call(work) {
      // Bounded here: the breaker would take its own refusals for failures of the source, and open.
      if (underWay >= capacity) throw new SourceError('overloaded')
      underWay += 1
      try {
        return await breaker.fire(work)
      } catch (error) {
        throw error instanceof SourceError ? error : new SourceError(reasonOf(error, breaker.opened), error)
      } finally {
        underWay -= 1
      }
    },
    close: () => breaker.shutdown(),
  }
}

/**
 * Whether the source itself is in trouble. Answers that one question brings, such as 404, do not count: who may choose
 * what is asked could otherwise close the source for everybody.
 */
function isOutage(error: unknown): boolean {
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  if (typeof status === 'number') return status >= 500 || status === 429
  const reason = reasonOf(error, false)
  return reason === 'unreachable' || reason === 'timeout'
}

function reasonOf(error: unknown, opened: boolean): string {
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') return error.reason
  return opened ? 'unavailable' : 'unreachable'
}

/** Refuses what expressions had better not meet. @throws SourceError */
function checkAnswer(value: unknown): unknown {
  if (JSON.stringify(value).length > evaluationLimits.attributeBytes) throw new SourceError('too_large')
  requireShallow(value, savedLimits.depth)
  return value
}

function requireShallow(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth === 0) throw new SourceError('too_deep')
  for (const member of Object.values(value)) requireShallow(member, depth - 1)
}
