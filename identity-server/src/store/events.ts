import { type Selectable, sql } from 'kysely'
import type { Tx } from './database.ts'
import type { Page } from './page.ts'
import type { EventsTable } from './schema.ts'

/** An event before it is stored: as `EventsTable`, with the time in ms since the epoch. */
export interface EventRow {
  auth_server_id: string
  /** A UUID of version 7 that begins with `at`. */
  id: string
  at: number
  type: string
  client_id?: string | undefined
  subject?: string | undefined
  data: Readonly<Record<string, unknown>>
}

/** Adds events of any auth servers, on behalf of maintenance; those that are there already are left. */
export async function insertEvents(tx: Tx, rows: readonly EventRow[]): Promise<void> {
  // One parameter, whatever the number of rows: the quickest of the ways that row-level security leaves (decision 0026).
  await sql`insert into events (auth_server_id, id, at, type, client_id, subject, data)
    select auth_server_id, id, to_timestamp(at / 1000.0), type, client_id, subject, data
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as event(auth_server_id text, id uuid, at float8,
      type text, client_id text, subject text, data jsonb)
    on conflict do nothing`.execute(tx)
}

export type StoredEvent = Selectable<EventsTable>

export interface EventFilter {
  type?: string | undefined
  client?: string | undefined
  subject?: string | undefined
  /** Ids: not before the first, and before the second. */
  from?: string | undefined
  to?: string | undefined
}

/** The auth server's events, newest first; `page.after` is the id of the last one of the page before. */
export function listEvents(tx: Tx, authServer: string, filter: EventFilter, page: Page): Promise<StoredEvent[]> {
  const { type, client, subject, from, to } = filter
  return tx
    .selectFrom('events')
    .selectAll()
    .where('auth_server_id', '=', authServer)
    .$if(type !== undefined, (query) => query.where('type', '=', type ?? ''))
    .$if(client !== undefined, (query) => query.where('client_id', '=', client ?? ''))
    .$if(subject !== undefined, (query) => query.where('subject', '=', subject ?? ''))
    .$if(from !== undefined, (query) => query.where('id', '>=', from ?? ''))
    .$if(to !== undefined, (query) => query.where('id', '<', to ?? ''))
    .$if(page.after !== undefined, (query) => query.where('id', '<', page.after ?? ''))
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute()
}

/** Makes room for the events of a day (UTC), where there is none yet, on behalf of maintenance. @param day `YYYY-MM-DD` */
export async function createEventsPartition(tx: Tx, day: string): Promise<void> {
  await sql`select create_events_partition(${day}::date)`.execute(tx)
}

/**
 * Drops the days that ended before a time, on behalf of maintenance.
 * @param before ms since the epoch
 * @returns how many those were
 */
export async function dropEventsPartitions(tx: Tx, before: number): Promise<number> {
  const { rows } = await sql<{ dropped: number }>`
    select drop_events_partitions(to_timestamp(${before / 1000})) as dropped`.execute(tx)
  return rows[0]?.dropped ?? 0
}
