/**
 * The subscription to an issuer's revocations, by long polling (RFC 8936). The position moves on with each answer. Where an
 * event cannot be believed, those after it take effect all the same, and the stream is read again from before it until
 * all of it is believed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { RevocableClaims } from '@postern/protocol/revocation'
import { PollResponse } from '@postern/protocol/security-event'
import { Value } from 'typebox/value'
import { DependencyError } from '../../failures.ts'
import type { OAuthClient } from '../client-auth/client.ts'
import { createReceivedRevocations, type EventTrust } from './received-revocations.ts'

export interface RevocationFeed {
  /** Whether the token is revoked, as far as the feed has told. */
  isRevoked(claims: RevocableClaims): boolean
  /** Another number whenever more is revoked than before; never 0. */
  state(): number
  /** Whether what was revoked is known: until the start, and, where there is a bound, until so long ago. */
  synced(): boolean
  /** ms since the epoch until which all revocations are known, as of the last answer that left nothing in doubt. */
  answeredAt(): number | undefined
  /** From a revocation to its taking effect here, since the start. */
  readonly lags: Readonly<Lags>
  start(): void
  close(): Promise<void>
}

export interface Lags {
  count: number
  /** ms of the last one: to within the second in which the event says that it was made. */
  lastMs: number | undefined
}

export interface RevocationFeedOptions extends EventTrust {
  endpoint: () => Promise<string>
  client: OAuthClient
  /** How long ago the issuer must have said at least that there is nothing new; undefined: that does not matter. */
  maxAgeMs: number | undefined
  /** How often it must say so at least, where that matters to anybody. */
  lookWithinMs: number | undefined
  random?: () => number
  /** Told of each poll that fails, or brings what cannot be believed. */
  onFailure(error: unknown): void
  /** Told of each answer with events that are genuine, but of types that are not known here. */
  onUnknownEvents(count: number): void
}

/** Longer than the issuer holds a poll open. */
const pollTimeoutMs = 35_000
const retry = { firstMs: 200, maxMs: 5_000 }
/** Between readings of what is in doubt: a key that is not known yet soon will be; anything else takes its time. */
const reread = { firstMs: 400, maxMs: 60_000 }
/** Between polls that are answered without news: an issuer that does not hold them open is not asked all the time. */
const idleMs = 250
const clockLookMs = 1_000
/** Of one answer: a signed event has about a kilobyte, so the answer stays below what the HTTP client accepts. */
const maxEvents = 250

export function createRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  const { name, client, maxAgeMs, lookWithinMs, now, onFailure, random = Math.random } = options
  const received = createReceivedRevocations(options)
  const closing = new AbortController()
  let position: string | undefined
  let synced = false
  let answeredAt: number | undefined
  /** Whether something is not remembered that is in force. */
  let lacks = false
  const lags: Lags = { count: 0, lastMs: undefined }
  /** From where the stream is to be read again, and how often there was reason to. */
  let doubt: { from: string | undefined; times: number } | undefined
  let loop: Promise<unknown> | undefined
  let rereading: Promise<void> | undefined

  const headers = { 'content-type': 'application/json' }

  const poll = async (
    after: string | undefined,
    returnImmediately: boolean,
    timeoutMs = pollTimeoutMs,
  ): Promise<PollResponse> => {
    const url = await options.endpoint()
    const body = JSON.stringify({ ...(after !== undefined && { after }), returnImmediately, maxEvents })
    const { signal } = closing
    const answer = await client.send({ method: 'POST', url, headers, body, timeoutMs, signal })
    if (answer.status !== 200 || !Value.Check(PollResponse, answer.json)) {
      throw new DependencyError(name, `status ${answer.status}, or no poll response`)
    }
    return answer.json
  }

  /** @returns whether all events could be believed */
  const take = async ({ sets }: PollResponse): Promise<boolean> => {
    const { failures, unknown, lags: measured } = await received.receive(Object.values(sets))
    if (synced) measure(measured)
    if (received.overfull()) throw new DependencyError(name, 'too many revocations')
    if (unknown > 0) options.onUnknownEvents(unknown)
    if (failures.length > 0) onFailure(failures[0])
    return failures.length === 0
  }

  const measure = (measured: readonly number[]) => {
    lags.count += measured.length
    lags.lastMs = measured.at(-1) ?? lags.lastMs
  }

  /** @param at when the issuer had no more to tell */
  const knowUntil = (at: number) => {
    if (!doubt) answeredAt = at
  }

  const advance = async (): Promise<{ moved: boolean }> => {
    const [asked, waits] = [now(), synced]
    const answer = await poll(position, !waits)
    const answered = now()
    if (!(await take(answer))) {
      // Before everything was known once, nothing is let through, and the position may as well stay.
      if (!synced) throw new DependencyError(name, 'an event cannot be believed')
      doubt = { from: doubt ? doubt.from : position, times: (doubt?.times ?? 0) + 1 }
      rereading ??= readDoubtful()
    }
    const moved = answer.next !== position
    position = answer.next
    if (!answer.moreAvailable) {
      synced = true
      knowUntil(waits ? answered : asked)
    }
    return { moved }
  }

  /** Beside the poll that waits, which tells nothing for as long as it does. */
  const lookWithin = async (ms: number) => {
    while (!closing.signal.aborted) {
      await pause(ms / 4)
      const asked = now()
      const answer = synced ? await poll(position, true, ms).catch(fail) : undefined
      const believed = answer && (await take(answer).catch(fail))
      if (believed && !answer.moreAvailable) knowUntil(asked)
    }
  }

  /** What was forgotten as expired is in force again where the clock was set back: nothing is known until it was read anew. */
  const watchClock = async () => {
    while (!closing.signal.aborted) {
      await pause(clockLookMs)
      if (received.mayLack()) {
        received.startOver()
        lacks = true
      }
      if (lacks && (await readFrom(undefined).catch(fail)) !== undefined) lacks = false
    }
  }

  const readDoubtful = async () => {
    for (let ms = reread.firstMs; doubt && !closing.signal.aborted; ms = Math.min(ms * 2, reread.maxMs)) {
      await pause(ms)
      const { from, times } = doubt
      const believed = await readFrom(from).catch(fail)
      // What came into doubt meanwhile may stand after what was read.
      if (believed && doubt.times === times) doubt = undefined
    }
    rereading = undefined
  }

  /** @returns whether all of the stream from there on could be believed */
  const readFrom = async (from: string | undefined): Promise<boolean> => {
    let believed = true
    for (let after = from, more = true; more; ) {
      const answer = await poll(after, true)
      believed = (await take(answer)) && believed
      more = answer.moreAvailable && answer.next !== after
      after = answer.next
    }
    return believed
  }

  /** Jittered; ends early with `close`. */
  const pause = (ms: number) =>
    delay(ms * (0.5 + random()), undefined, { signal: closing.signal }).catch(() => undefined)

  const fail = (error: unknown) => {
    if (!closing.signal.aborted) onFailure(error)
  }

  const run = async () => {
    for (let retryMs = retry.firstMs; !closing.signal.aborted; ) {
      try {
        const { moved } = await advance()
        retryMs = retry.firstMs
        if (!moved) await pause(idleMs)
      } catch (error) {
        fail(error)
        await pause(retryMs)
        retryMs = Math.min(retryMs * 2, retry.maxMs)
      }
    }
  }

  // Where the clock was set back, how old it is cannot be told until the next answer.
  const isRecent = () =>
    maxAgeMs === undefined || (answeredAt !== undefined && Math.abs(now() - answeredAt) <= maxAgeMs)
  return {
    isRevoked: received.cover,
    state: received.state,
    synced: () => synced && !received.overfull() && !lacks && isRecent(),
    answeredAt: () => answeredAt,
    lags,
    start() {
      loop ??= Promise.all([run(), watchClock(), ...(lookWithinMs === undefined ? [] : [lookWithin(lookWithinMs)])])
    },
    async close() {
      closing.abort()
      await Promise.all([loop, rereading])
    },
  }
}
