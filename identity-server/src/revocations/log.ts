/**
 * The revocations in force, per auth server, in memory: introspection asks it for each token, and the feed reads it.
 * Loaded when first asked, then extended by what the database has added since; entries go when their token expires.
 */
import { EventEmitter, once } from 'node:events'
import { LRUCache } from 'lru-cache'
import type { Database } from '../store/database.ts'
import { listRevocations, type Revocation } from '../store/revocations.ts'

export interface RevocationLog {
  /** Whether the token with these claims is revoked. @throws StoreError where that cannot be known */
  isRevoked(authServer: string, claims: { jti: string }): Promise<boolean>
  /** The revocations after a sequence number (0: all in force), oldest first, at most `limit`. @throws StoreError */
  after(authServer: string, sequence: number, limit: number): Promise<Revocation[]>
  /** Resolves at the next change of the auth server's revocations. */
  changed(authServer: string, signal: AbortSignal): Promise<void>
}

interface Known {
  byJti: Map<string, Revocation>
  /** In the order of their sequence. */
  ordered: Revocation[]
  lastSequence: number
  /** Whether the database has more than is known here. */
  stale: boolean
  /** ms since the epoch of the last database read. */
  readAt: number
  loading: Promise<Known> | undefined
}

const batch = 10_000
/** A missed notification is made good after this time. */
const trustedForMs = 10_000

export function createRevocationLog(db: Database, now: () => number): RevocationLog {
  const logs = new LRUCache<string, Known>({ max: 10_000 })
  const news = new EventEmitter().setMaxListeners(0)
  db.changes.subscribe((change) => {
    if (change === 'everything') {
      for (const known of logs.values()) known.stale = true
      for (const authServer of news.eventNames()) news.emit(authServer)
    } else if (change.table === 'auth_servers') {
      // Perhaps deleted, and its revocations with it: a later one of the same id must not inherit them.
      logs.delete(change.authServer)
    } else if (change.table === 'revocations') {
      const known = logs.get(change.authServer)
      if (known) known.stale = true
      news.emit(change.authServer)
    }
  })

  const extend = async (authServer: string, known: Known): Promise<Known> => {
    known.stale = false
    try {
      for (let more = true; more; ) {
        const rows = await db.read({ authServer }, (tx) => listRevocations(tx, authServer, known.lastSequence, batch))
        for (const row of rows) add(known, row)
        more = rows.length === batch
      }
      known.readAt = now()
    } catch (error) {
      known.stale = true
      throw error
    } finally {
      known.loading = undefined
    }
    forgetExpired(known, now())
    return known
  }

  const current = (authServer: string): Known | Promise<Known> => {
    let known = logs.get(authServer)
    if (!known) {
      known = { byJti: new Map(), ordered: [], lastSequence: 0, stale: true, readAt: 0, loading: undefined }
      logs.set(authServer, known)
    }
    if (known.loading) return known.stale ? known.loading.then(() => current(authServer)) : known.loading
    if (!known.stale && now() - known.readAt < trustedForMs) return known
    known.loading = extend(authServer, known)
    return known.loading
  }

  return {
    async isRevoked(authServer, { jti }) {
      return (await current(authServer)).byJti.has(jti)
    },
    async after(authServer, sequence, limit) {
      const { ordered } = await current(authServer)
      const start = firstAfter(ordered, sequence)
      return ordered.slice(start, start + limit)
    },
    // An aborted wait is a wait that has ended.
    changed: (authServer, signal) => once(news, authServer, { signal }).then(nothing, nothing),
  }
}

function nothing(): void {}

function add(known: Known, row: Revocation): void {
  known.lastSequence = row.sequence
  known.byJti.set(row.jti, row)
  known.ordered.push(row)
}

function forgetExpired(known: Known, now: number): void {
  if (!known.ordered.some((revocation) => revocation.expiresAt.getTime() <= now)) return
  known.ordered = known.ordered.filter((revocation) => revocation.expiresAt.getTime() > now)
  known.byJti = new Map(known.ordered.map((revocation) => [revocation.jti, revocation]))
}

/** Where the revocations after a sequence number begin, by halving: a reader asks often, and mostly for the end. */
function firstAfter(ordered: readonly Revocation[], sequence: number): number {
  let low = 0
  let high = ordered.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ordered[middle]?.sequence ?? Number.POSITIVE_INFINITY) > sequence) high = middle
    else low = middle + 1
  }
  return low
}
