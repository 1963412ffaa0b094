/** Ids of events: UUIDs of version 7 (RFC 9562 section 5.7), ascending in the order in which one process makes them. */
import { randomBytes } from 'node:crypto'

/**
 * @param at ms since the epoch
 * @returns an id, and the time that it tells: where the clock went back a little, the latest that was seen
 */
export type EventIds = (at: number) => { id: string; at: number }

const version7 = 0x7000
const counterEnd = 0x1000
/** ms. A clock that goes back by more was wrong before: it is followed, and the order is lost this once. */
const littleMs = 10_000
/** Ids that share their random bits: so many that these cost nothing, so few that nobody learns from one of the next. */
const sharedBy = 1_000

export function createEventIds(): EventIds {
  let latest = 0
  let time = ''
  let counter = 0
  let random = ''
  let left = 0
  const begin = (at: number) => {
    latest = at
    time = timeOf(at)
    counter = 0
  }
  return (at) => {
    if (at > latest || at < latest - littleMs) begin(at)
    else counter += 1
    // More than the counter can tell apart within a millisecond: the id takes the next one (section 6.2).
    if (counter === counterEnd) begin(latest + 1)
    if (left === 0) {
      random = randomBits()
      left = sharedBy
    }
    left -= 1
    return { id: `${time}-${(version7 + counter).toString(16)}-${random}`, at: latest }
  }
}

/** The smallest id of a time: where a page that begins or ends with that time begins or ends. */
export function firstEventId(at: number): string {
  return `${timeOf(at)}-0000-0000-000000000000`
}

function timeOf(at: number): string {
  const hex = at.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

/** The variant and 62 random bits, which keep the ids of several replicas apart. */
function randomBits(): string {
  const bytes = randomBytes(8)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x80
  const text = bytes.toString('hex')
  return `${text.slice(0, 4)}-${text.slice(4)}`
}
