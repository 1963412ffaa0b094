/** Requests that are sent again where they failed in passing: a limit, a deadline for all of them, and jitter in between. */
import { setTimeout as delay } from 'node:timers/promises'
import type { HttpAnswer } from './http-client.ts'

export interface RetryOptions {
  /** Further requests at most. */
  retries: number
  /** Deadline for all of them together. */
  withinMs: number
  /** in [0, 1) */
  random?: () => number
}

const firstPauseMs = 20

/**
 * @param send one request, which must change nothing at the other side; or several, each with the time that is left when it
 *   begins
 */
export async function sendPatiently(
  send: (leftMs: () => number) => Promise<HttpAnswer>,
  { retries, withinMs, random = Math.random }: RetryOptions,
): Promise<HttpAnswer> {
  const begun = performance.now()
  const leftMs = () => Math.floor(withinMs - (performance.now() - begun))
  for (let count = 0; ; count += 1) {
    const outcome = await send(leftMs).then(
      (answer) => ({ answer, passing: answer.status >= 500 }),
      (error: unknown) => ({ error, passing: isConnectionFailure(error) }),
    )
    const pauseMs = firstPauseMs * 2 ** count * (0.5 + random())
    if (!outcome.passing || count >= retries || leftMs() <= pauseMs + 1) {
      if ('error' in outcome) throw outcome.error
      return outcome.answer
    }
    await delay(pauseMs)
  }
}

const connectionFailures = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
])

/** The exchange may not even have begun; a deadline that has passed is none of these. */
function isConnectionFailure(error: unknown): boolean {
  return error instanceof Error && 'code' in error && connectionFailures.has(String(error.code))
}
