/**
 * The revocations in force, per auth server, in memory: whoever accepts a token asks it, and the feed reads it. Loaded when
 * first asked, then extended by what the database has added since.
 */
import { EventEmitter, once } from 'node:events'
import type { RevocableClaims } from '@postern/protocol/revocation'
import { LRUCache } from 'lru-cache'
import type { Database, Tx } from '../store/database.ts'
import { findRevocationStream } from '../store/revocation-streams.ts'
import { listRevocations, type StoredRevocation } from '../store/revocations.ts'
import type { Cursor } from './cursor.ts'
import { createInForce, type InForce } from './in-force.ts'

export interface RevocationLog {
  /** Whether the token is revoked; at once where everything is known. @throws StoreError where that cannot be known */
  isRevoked(authServer: string, claims: RevocableClaims): boolean | Promise<boolean>
  /**
   * The revocations after the furthest of the positions that are of the auth server's stream and within it; after none:
   * all in force.
   * @throws StoreError
   */
  after(authServer: string, positions: readonly Cursor[], limit: number): Promise<FeedPage>
  /** Resolves at the next change of the auth server's revocations. */
  changed(authServer: string, signal: AbortSignal): Promise<void>
}

export interface FeedPage {
  /** Undefined where there has been no revocation yet. */
  stream: string | undefined
  /** The sequence number that the page begins after. */
  begins: number
  /** Oldest first. */
  revocations: StoredRevocation[]
}

interface Known {
  stream: string | undefined
  /** The last sequence number that the stream has given. */
  lastSequence: number
  inForce: InForce
  /** Whether the database has more than is known here. */
  stale: boolean
  /** ms since the epoch of the last database read. */
  readAt: number
  loading: Promise<Known> | undefined
}

const batch = 10_000
/** While changes are not heard, what is in memory is trusted for this time. */
const trustedUnheardMs = 10_000

/** @param now ms since the epoch */
export function createRevocationLog(db: Database, now: () => number): RevocationLog {
  const logs = new LRUCache<string, Known>({ max: 10_000 })
  const news = new EventEmitter().setMaxListeners(0)
  db.changes.subscribe((change) => {
    if (change === 'everything') {
      for (const known of logs.values()) known.stale = true
      for (const authServer of news.eventNames()) news.emit(authServer)
    } else if (change.table === 'revocations' || change.table === 'auth_servers') {
      const known = logs.get(change.authServer)
      if (known) known.stale = true
      news.emit(change.authServer)
    }
  })

  const extend = async (authServer: string, known: Known): Promise<Known> => {
    known.stale = false
    const begun = now()
    try {
      for (let more = true; more; ) more = await db.read({ authServer }, (tx) => addNext(tx, authServer, known, now()))
      known.readAt = begun
    } catch (error) {
      known.stale = true
      throw error
    } finally {
      known.loading = undefined
    }
    known.inForce.tidy(now())
    return known
  }

  const isCurrent = (known: Known, time: number) =>
    !known.stale && (db.changes.listening() || time - known.readAt < trustedUnheardMs)

  const current = (authServer: string): Known | Promise<Known> => {
    const time = now()
    let known = logs.get(authServer)
    if (!known) {
      known = { ...nothingKnown(undefined), stale: true, readAt: 0, loading: undefined }
      logs.set(authServer, known)
    }
    if (known.loading) return known.stale ? known.loading.then(() => current(authServer)) : known.loading
    known.inForce.tidy(time)
    if (isCurrent(known, time)) return known
    known.loading = extend(authServer, known)
    return known.loading
  }

  return {
    isRevoked(authServer, claims) {
      const known = current(authServer)
      return known instanceof Promise ? known.then(({ inForce }) => inForce.cover(claims)) : known.inForce.cover(claims)
    },
    async after(authServer, positions, limit) {
      let known = await current(authServer)
      if (positions.some((position) => !isWithin(known, position))) {
        // Another replica may have given it, and know more than is known here.
        known.stale = true
        known = await current(authServer)
      }
      const begins = Math.max(0, ...positions.filter((position) => isWithin(known, position)).map((it) => it.sequence))
      return { stream: known.stream, begins, revocations: known.inForce.after(begins, limit) }
    },
    // An aborted wait is a wait that has ended.
    changed: (authServer, signal) => once(news, authServer, { signal }).then(nothing, nothing),
  }
}

function nothing(): void {}

function nothingKnown(stream: string | undefined) {
  return { stream, lastSequence: 0, inForce: createInForce() }
}

/** @returns whether there may be more */
async function addNext(tx: Tx, authServer: string, known: Known, now: number): Promise<boolean> {
  const stream = await findRevocationStream(tx, authServer)
  // Another database, or an earlier state of this one: what is known is not of it.
  if (stream?.id !== known.stream || (stream && stream.lastSequence < known.lastSequence)) {
    Object.assign(known, nothingKnown(stream?.id))
  }
  if (!stream) return false
  const rows = await listRevocations(tx, authServer, { after: known.inForce.lastSequence, limit: batch, now })
  for (const row of rows) known.inForce.add(row)
  known.lastSequence = Math.max(stream.lastSequence, known.inForce.lastSequence)
  return rows.length === batch
}

function isWithin({ stream, lastSequence }: Known, position: Cursor): boolean {
  return position.stream === stream && position.sequence <= lastSequence
}
