/** Events as they wait to be stored. */
import type { EventRow } from '../store/events.ts'
import type { EventIds } from './id.ts'
import type { Event } from './types.ts'

/** Characters that one member may hold: what clients send at length must not fill the memory while the database is away. */
const maxText = 512

/** @param at ms since the epoch */
export function toRow(
  authServer: string,
  event: Event,
  at: number,
  traceId: string | undefined,
  ids: EventIds,
): EventRow {
  const { type, client_id, subject, ...members } = event
  const data: Record<string, unknown> = members
  for (const name in data) {
    const value = data[name]
    if (typeof value === 'string' && value.length > maxText) data[name] = cut(value)
  }
  if (traceId !== undefined) data.trace_id = traceId
  return { auth_server_id: authServer, ...ids(at), type, client_id: short(client_id), subject: short(subject), data }
}

/** The row with its texts in a form that the database takes for certain: no NUL, no half of a surrogate pair. */
export function storable(row: EventRow): EventRow {
  const clean = (text: string | undefined) => text?.toWellFormed().replaceAll('\0', '\uFFFD')
  const data = Object.entries(row.data).map(([name, value]) => [name, typeof value === 'string' ? clean(value) : value])
  return { ...row, client_id: clean(row.client_id), subject: clean(row.subject), data: Object.fromEntries(data) }
}

function short(text: string | undefined): string | undefined {
  return text === undefined || text.length <= maxText ? text : cut(text)
}

function cut(text: string): string {
  // A copy: a slice would keep the whole text alive.
  return Buffer.from(text.slice(0, maxText)).toString()
}
