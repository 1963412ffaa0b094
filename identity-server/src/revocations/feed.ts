/** The revocation feed: Security Event Tokens (RFC 8417) by long polling (RFC 8936), each reader at its own pace. */
import { formatRevocation } from '@postern/protocol/revocation-event'
import { feedAudience, type PollRequest, type PollResponse, securityEventType } from '@postern/protocol/security-event'
import { LRUCache } from 'lru-cache'
import type { KeyRing } from '../keys/signing-keys.ts'
import type { StoredRevocation } from '../store/revocations.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import { beginning, type Cursor, formatCursor, parseCursor } from './cursor.ts'
import type { FeedPage, RevocationLog } from './log.ts'

export interface FeedIssuer {
  authServer: AuthServer
  keys: KeyRing
}

export interface RevocationFeed {
  /**
   * Answers a poll; without news, once there is some or when the signal ends the wait.
   * @param admit asked at the beginning and after each wait: throws where the reader may not read (any more)
   * @throws StoreError, and what `admit` throws
   */
  poll(request: PollRequest, admit: () => Promise<FeedIssuer>, signal: AbortSignal): Promise<PollResponse>
}

const defaultEvents = 100
/** Of the events in one answer: half of what the sidecar reads. What an event is about may have a long name. */
const maxBytes = 256 * 1024
/** Signed events that are kept, so that many readers of the same one cost one signature. */
const maxSigned = 20_000

export function createRevocationFeed(log: RevocationLog): RevocationFeed {
  const signed = new LRUCache<string, Promise<string>>({ max: maxSigned })

  const signOnce = ({ authServer, keys }: FeedIssuer, jti: string, revocation: StoredRevocation): Promise<string> => {
    const key = `${jti} ${keys.active.kid}`
    const known = signed.get(key)
    if (known) return known
    const { issuer } = authServer
    const claims = { iss: issuer, aud: feedAudience(issuer), iat: revocation.revokedAt, jti }
    const set = keys.active.sign(securityEventType, { ...claims, ...formatRevocation(issuer, revocation) })
    signed.set(key, set)
    set.catch(() => signed.delete(key))
    return set
  }

  const answer = async (issuer: FeedIssuer, page: FeedPage, limit: number): Promise<PollResponse> => {
    const { stream = '', begins, revocations } = page
    const events = await Promise.all(
      revocations.slice(0, limit).map(async (revocation) => {
        const jti = formatCursor({ stream, sequence: revocation.sequence })
        return { jti, sequence: revocation.sequence, set: await signOnce(issuer, jti, revocation) }
      }),
    )
    const sent = fitting(events)
    return {
      sets: Object.fromEntries(sent.map(({ jti, set }) => [jti, set])),
      moreAvailable: revocations.length > sent.length,
      next: stream === '' ? beginning : formatCursor({ stream, sequence: sent.at(-1)?.sequence ?? begins }),
    }
  }

  return {
    async poll(request, admit, signal) {
      const limit = request.maxEvents ?? defaultEvents
      const positions = positionsIn(request)
      for (;;) {
        const issuer = await admit()
        const { id } = issuer.authServer
        // Asked for before reading: what is committed between the two then still wakes us.
        const changed = log.changed(id, signal)
        const page = await log.after(id, positions, limit + 1)
        const waits = page.revocations.length === 0 && limit > 0 && !request.returnImmediately && !signal.aborted
        if (!waits) return answer(issuer, page, limit)
        await changed
      }
    },
  }
}

/** As many of the first as fit into one answer, and at least one. */
function fitting<Event extends { set: string }>(events: readonly Event[]): Event[] {
  let bytes = 0
  return events.filter(({ set }, index) => {
    bytes += set.length
    return index === 0 || bytes <= maxBytes
  })
}

/** Where the reader stands: what it says, or else the events that it says it has received. */
function positionsIn({ after, ack = [], setErrs = {} }: PollRequest): Cursor[] {
  const named = after === undefined ? [...ack, ...Object.keys(setErrs)] : [after]
  return named.flatMap((text) => parseCursor(text) ?? [])
}
