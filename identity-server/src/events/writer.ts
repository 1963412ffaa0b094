/** Stores batches of events, whatever it takes: again while the database is away, by halves where it refuses a row. */
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../store/database.ts'
import { StoreError } from '../store/errors.ts'
import { createEventsPartition, type EventRow, insertEvents } from '../store/events.ts'
import { storable } from './row.ts'

/**
 * Resolves once it is certain which of the rows are stored; never rejects.
 * @param signal ends the attempts
 * @returns how many rows are not stored
 */
export type WriteEvents = (rows: readonly EventRow[], signal: AbortSignal) => Promise<number>

const firstPauseMs = 100
const longestPauseMs = 5_000

export function createEventWriter(db: Database, logger: FastifyBaseLogger): WriteEvents {
  /** Days that have their partition. */
  const days = new Set<string>()

  const insert = async (rows: readonly EventRow[]) => {
    const missing = [...new Set(rows.map(dayOf))].filter((day) => !days.has(day))
    await db.commit('maintenance', async (tx) => {
      for (const day of missing) await createEventsPartition(tx, day)
      await insertEvents(tx, rows)
    })
    for (const day of missing) days.add(day)
  }

  /** @throws unknown where the database answers and refuses; AbortError */
  const insertOnceItAnswers = async (rows: readonly EventRow[], signal: AbortSignal) => {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        return await insert(rows)
      } catch (error) {
        if (!(error instanceof StoreError && error.kind === 'unavailable')) throw error
        // An outage is told of once, not with every attempt.
        if (pauseMs === firstPauseMs) logger.warn({ err: error }, 'events wait for the database')
        // Half of it at random, so that replicas do not all come back at once.
        await delay(pauseMs * (0.5 + Math.random() / 2), undefined, { signal })
      }
    }
  }

  const insertOne = async (row: EventRow, signal: AbortSignal) => {
    try {
      await insertOnceItAnswers([storable(row)], signal)
      return 0
    } catch (error) {
      if (!signal.aborted) logger.error({ err: error, type: row.type }, 'an event cannot be stored')
      return 1
    }
  }

  const write: WriteEvents = async (rows, signal) => {
    const [first, second] = rows
    if (first && !second) return insertOne(first, signal)
    try {
      await insertOnceItAnswers(rows, signal)
      return 0
    } catch {
      if (signal.aborted) return rows.length
      // Perhaps it was a partition that somebody dropped: they are looked for again.
      days.clear()
      const middle = rows.length >>> 1
      return (await write(rows.slice(0, middle), signal)) + (await write(rows.slice(middle), signal))
    }
  }
  return write
}

function dayOf(row: EventRow): string {
  return new Date(row.at).toISOString().slice(0, 10)
}
