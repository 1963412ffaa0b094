/**
 * The keys of an issuer (RFC 7517): fetched at the start and ahead of their age in the background, kept on while the issuer
 * is down, and fetched for a signature that no known key has made, but not more often than the cooldown allows: tokens are
 * anybody's to make up.
 */
import type { Burst } from '../../bursts.ts'
import { DependencyError, Refusal } from '../../failures.ts'
import type { Dependency } from '../calls/dependency.ts'
import type { HttpAnswer, HttpClient } from '../calls/http-client.ts'
import { createSingleFlight } from '../calls/single-flight.ts'
import { type KeySet, readJwkSet } from './jwk-set.ts'
import type { ReceivedJwt } from './received-jwt.ts'

/**
 * Settles where one of the issuer's keys has made the signature.
 * @throws Refusal where none has; DependencyError where its keys are not known
 */
export type VerifySignature = (jwt: ReceivedJwt) => Promise<void>

export interface JwksOptions {
  url: () => Promise<string>
  timeoutMs: number
  http: HttpClient
  dependency: Dependency
  burst: Burst
  /** ms since the epoch */
  now: () => number
  random?: () => number
}

export interface Jwks {
  /** For tokens: these are anybody's to make up. */
  ofTokens: VerifySignature
  /** For what the issuer itself has sent: a key that it has just begun to use is fetched at once. */
  ofEvents: VerifySignature
  /** Whether there are keys that are trusted now. */
  known(): boolean
  /** Begins to fetch them, and fetches them anew ahead of their age, whether or not anybody asks. */
  start(): void
  close(): void
}

/** How long keys are fresh, where the issuer does not say, and within which bounds it may (RFC 9111 section 5.2.2.1). */
const freshMs = { usual: 300_000, least: 60_000, most: 3_600_000 }
/** Of that time, less up to a tenth by chance, after which they are fetched anew. */
const refreshAt = 0.8
/** While the issuer is down, they serve this long; a key that it withdrew would serve no longer. */
const keepForMs = 86_400_000
/** Between fetches for signatures that no known key has made. */
const cooldownMs = { ofTokens: 10_000, ofEvents: 200 }
/** Between fetches while no keys are known at all: an issuer that comes back is noticed soon. */
const retry = { firstMs: 250, maxMs: 5_000 }
const lookEveryMs = 100

interface Keys {
  set: KeySet
  fetchedAt: number
  refreshAfter: number
}

export function createJwks(options: JwksOptions): Jwks {
  const { url, timeoutMs, http, dependency, burst, now, random = Math.random } = options
  const flights = createSingleFlight<Keys>()
  let keys: Keys | undefined
  let attemptedAt = Number.NEGATIVE_INFINITY
  let failures = 0
  let timer: NodeJS.Timeout | undefined

  const fetchKeys = async (): Promise<Keys> => {
    const address = await url()
    const { set, freshForMs } = await dependency.call(async () => {
      const headers = { accept: 'application/jwk-set+json, application/json' }
      return readAnswer(await http.send({ method: 'GET', url: address, timeoutMs, headers }), dependency.name)
    })
    const fetchedAt = now()
    return { set, fetchedAt, refreshAfter: fetchedAt + freshForMs * (refreshAt - random() / 10) }
  }

  const refresh = () =>
    flights.run('', async () => {
      attemptedAt = now()
      try {
        keys = await fetchKeys()
        failures = 0
        return keys
      } catch (error) {
        failures += 1
        throw error
      }
    })

  const usable = () => (keys && now() - keys.fetchedAt <= keepForMs ? keys : undefined)
  /** A clock that was set back stretches no pause. */
  const isOver = (pauseMs: number) => Math.abs(now() - attemptedAt) > pauseMs
  const isDue = ({ fetchedAt, refreshAfter }: Keys) => now() >= refreshAfter || now() < fetchedAt

  /** A failure is no news: the next look tries again. */
  const refreshWhereDue = () => {
    const known = usable()
    const pauseMs = known
      ? cooldownMs.ofTokens
      : Math.min(retry.maxMs, retry.firstMs * 2 ** failures) * (0.5 + random() / 2)
    const due = !known || isDue(known)
    if (due && isOver(pauseMs) && flights.size === 0) refresh().catch(() => undefined)
  }

  const isSignedBy = (keys: Keys | undefined, jwt: ReceivedJwt): Promise<boolean> | undefined =>
    keys && burst(() => isSigned(keys.set, jwt))

  /** @param tried has not made the signature */
  const verifyWithNewKeys = async (jwt: ReceivedJwt, tried: Keys | undefined, cooldown: number): Promise<void> => {
    const known = usable()
    // While these were tried, another token may have had them fetched.
    if (known !== tried && (await isSignedBy(known, jwt))) return
    // A fetch that is under way may bring the key: after a rotation, many tokens ask for the new one at once.
    const mayFetch = !known || flights.size > 0 || isOver(cooldown)
    // It may be a new key that the cooldown keeps us from seeing, so the refusal is not kept.
    if (!mayFetch) throw unverified(known.set, jwt, true)
    const { set } = await refresh().catch((error: unknown) => {
      // What a key has not made that is known is refused, though it may have been changed by now.
      throw known && isOfKnownKey(known.set, jwt) ? unverified(known.set, jwt, true) : error
    })
    if (!(await burst(() => isSigned(set, jwt)))) throw unverified(set, jwt, false)
  }

  const verifier =
    (cooldown: number): VerifySignature =>
    async (jwt) => {
      const known = usable()
      if (known && isDue(known)) refreshWhereDue()
      if (!(await isSignedBy(known, jwt))) await verifyWithNewKeys(jwt, known, cooldown)
    }

  return {
    ofTokens: verifier(cooldownMs.ofTokens),
    ofEvents: verifier(cooldownMs.ofEvents),
    known: () => usable() !== undefined,
    start() {
      refreshWhereDue()
      timer ??= setInterval(refreshWhereDue, lookEveryMs).unref()
    },
    close: () => clearInterval(timer),
  }
}

function isSigned(set: KeySet, { header, signingInput, signature }: ReceivedJwt): boolean {
  const candidates = set.candidates(String(header.alg), kidOf(header))
  return candidates.some((verify) => verify(signingInput, signature))
}

function isOfKnownKey(set: KeySet, { header }: ReceivedJwt): boolean {
  return set.candidates(String(header.alg), kidOf(header)).length > 0
}

function unverified(set: KeySet, jwt: ReceivedJwt, passing: boolean): Refusal {
  return isOfKnownKey(set, jwt)
    ? new Refusal('invalid_token', 'the token cannot be verified', passing)
    : new Refusal('invalid_token', 'the signing key is unknown', true)
}

/** @throws Refusal where it is no text (RFC 7515 section 4.1.4) */
function kidOf({ kid }: ReceivedJwt['header']): string | undefined {
  if (kid === undefined || typeof kid === 'string') return kid
  throw new Refusal('invalid_token', 'the token cannot be verified')
}

function readAnswer(
  { status, json, cacheControl = '' }: HttpAnswer,
  dependency: string,
): { set: KeySet; freshForMs: number } {
  const set = status === 200 ? readJwkSet(json) : undefined
  if (!set) throw new DependencyError(dependency, `status ${status}, or no JWK Set with keys of use`)
  const [, maxAge] = /(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])/i.exec(cacheControl) ?? []
  const askedFor = maxAge === undefined ? freshMs.usual : Number(maxAge) * 1_000
  return { set, freshForMs: Math.min(freshMs.most, Math.max(freshMs.least, askedFor)) }
}
