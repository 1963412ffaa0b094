/** The subscription to an issuer's revocations: long polling (RFC 8936) for Security Event Tokens (RFC 8417). */
import { setTimeout as delay } from 'node:timers/promises'
import { formatBasicCredentials } from '@postern/protocol/basic-credentials'
import { PollResponse, securityEventType, TokenRevokedClaims, tokenRevoked } from '@postern/protocol/security-event'
import { jwtVerify } from 'jose'
import { Value } from 'typebox/value'
import { DependencyError } from '../failures.ts'
import type { HttpClient } from './http-client.ts'
import type { FindKey } from './jwks.ts'

export interface RevocationFeed {
  /** Whether the token is revoked, as far as the feed has told. */
  isRevoked(jti: string): boolean
  /** Whether everything that was revoked before the start is known. */
  synced(): boolean
  /** ms since the epoch of the last answer; undefined before the first. */
  answeredAt(): number | undefined
  start(): void
  close(): Promise<void>
}

export interface RevocationFeedOptions {
  name: string
  issuer: string
  algorithms: readonly string[]
  endpoint: () => Promise<string>
  clientId: string
  clientSecret: string
  findKey: FindKey
  http: HttpClient
  /** ms since the epoch */
  now: () => number
  random?: () => number
  /** Told of each failed poll. */
  onFailure(error: unknown): void
}

/** Longer than the issuer holds a poll open. */
const pollTimeoutMs = 35_000
const firstRetryMs = 200
const maxRetryMs = 5_000
/** Between polls that are answered without news: an issuer that does not hold them open is not asked all the time. */
const idleMs = 250
/** Of one answer: a signed event has well under a kilobyte, so the answer stays below what the HTTP client accepts. */
const maxEvents = 250
/** Beyond this, revocations cannot be remembered, and forgetting one would let a revoked token pass. */
const maxRevocations = 1_000_000

export function createRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  const { name, http, now, random = Math.random } = options
  /** `jti` → when the token expires, in seconds since the epoch. */
  const revoked = new Map<string, number>()
  const closing = new AbortController()
  let next: string | undefined
  let synced = false
  let answeredAt: number | undefined
  let loop: Promise<void> | undefined

  const headers = {
    authorization: formatBasicCredentials(options.clientId, options.clientSecret),
    'content-type': 'application/json',
  }

  const believe = async (sets: readonly string[]) => {
    const events = await Promise.allSettled(sets.map((set) => readEvent(set, options)))
    for (const event of events) if (event.status === 'fulfilled') revoked.set(...event.value)
    forgetExpired(revoked, now() / 1_000)
    // Only now: one event that cannot be believed must not keep the others from taking effect.
    for (const event of events) if (event.status === 'rejected') throw event.reason
  }

  const poll = async () => {
    const url = await options.endpoint()
    const body = JSON.stringify({
      ...(next !== undefined && { after: next }),
      returnImmediately: !synced,
      maxEvents,
    })
    const answer = await http.send({
      method: 'POST',
      url,
      headers,
      body,
      timeoutMs: pollTimeoutMs,
      signal: closing.signal,
    })
    if (answer.status !== 200 || !Value.Check(PollResponse, answer.json)) {
      throw new DependencyError(name, `status ${answer.status}, or no poll response`)
    }
    const { sets, moreAvailable } = answer.json
    await believe(Object.values(sets))
    if (revoked.size > maxRevocations) throw new DependencyError(name, 'too many revocations')
    next = answer.json.next
    answeredAt = now()
    if (!moreAvailable) synced = true
  }

  /** Jittered; ends early with `close`. */
  const pause = (ms: number) =>
    delay(ms * (0.5 + random()), undefined, { signal: closing.signal }).catch(() => undefined)

  const run = async () => {
    for (let retryMs = firstRetryMs; !closing.signal.aborted; ) {
      try {
        const before = next
        await poll()
        retryMs = firstRetryMs
        if (next === before) await pause(idleMs)
      } catch (error) {
        if (closing.signal.aborted) return
        options.onFailure(error)
        await pause(retryMs)
        retryMs = Math.min(retryMs * 2, maxRetryMs)
      }
    }
  }

  return {
    isRevoked: (jti) => revoked.has(jti),
    synced: () => synced && revoked.size <= maxRevocations,
    answeredAt: () => answeredAt,
    start() {
      loop ??= run()
    },
    async close() {
      closing.abort()
      await loop
    },
  }
}

async function readEvent(set: string, options: RevocationFeedOptions): Promise<[jti: string, expiresAt: number]> {
  const { payload } = await jwtVerify(set, options.findKey, {
    issuer: options.issuer,
    audience: options.clientId,
    typ: securityEventType,
    algorithms: [...options.algorithms],
    currentDate: new Date(options.now()),
  })
  if (!Value.Check(TokenRevokedClaims, payload) || payload.sub_id.iss !== options.issuer) {
    throw new DependencyError(options.name, 'an event is not a token revocation of this issuer')
  }
  return [payload.sub_id.jti, payload.events[tokenRevoked].token_expires_at]
}

/** A token is accepted a little past its expiry where the clocks differ, so revocations are kept a little longer. */
function forgetExpired(revoked: Map<string, number>, nowSeconds: number): void {
  for (const [jti, expiresAt] of revoked) if (expiresAt + 120 < nowSeconds) revoked.delete(jti)
}
