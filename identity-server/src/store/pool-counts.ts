/** What a pool of connections is doing. A pool that is too small shows here before it shows anywhere else. */
import type { PostgresPool } from 'kysely'
import type pg from 'pg'

export interface PoolCounts {
  connections(): number
  /** Who waits for a connection now. */
  waiting(): number
  /** How many had to wait, since the start. */
  waits(): number
  /** ms that they waited. */
  waitedMs(): number
}

/** The pool, with its waits counted. */
export function countWaits(pool: pg.Pool): { pool: PostgresPool; counts: PoolCounts } {
  let waits = 0
  let waitedMs = 0
  const connect = async () => {
    if (pool.idleCount > 0 || pool.totalCount < pool.options.max) return pool.connect()
    waits += 1
    const began = performance.now()
    try {
      return await pool.connect()
    } finally {
      waitedMs += performance.now() - began
    }
  }
  return {
    pool: { options: pool.options, connect, end: () => pool.end() },
    counts: {
      connections: () => pool.totalCount,
      waiting: () => pool.waitingCount,
      waits: () => waits,
      waitedMs: () => waitedMs,
    },
  }
}
