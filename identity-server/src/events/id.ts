/** Ids of events: UUIDs of version 7 (RFC 9562 section 5.7), ascending in the order in which one process makes them. */
import { randomBytes } from 'node:crypto'

/**
 * @param at ms since the epoch
 * @returns an id, and the time that it tells: where the clock went back a little, the latest that was seen
 */
export type EventIds = (at: number) => { id: string; at: number }

const counterEnd = 0x1000
/** ms. A clock that goes back by more was wrong before: it is followed, and the order is lost this once. */
const littleMs = 10_000
/** Ids that share their random bits: so many that these cost nothing, so few that nobody learns from one of the next. */
const sharedBy = 1_000

export function createEventIds(): EventIds {
  let latest = 0
  let counter = 0
  let random = ''
  let left = 0
  return (at) => {
    if (at > latest || at < latest - littleMs) {
      latest = at
      counter = 0
    } else {
      counter += 1
      // More than the counter can tell apart within a millisecond: the id takes the next one (section 6.2).
      if (counter === counterEnd) {
        latest += 1
        counter = 0
      }
    }
    if (left === 0) {
      random = randomBits()
      left = sharedBy
    }
    left -= 1
    const time = hex(latest, 12)
    return { id: `${time.slice(0, 8)}-${time.slice(8)}-7${hex(counter, 3)}-${random}`, at: latest }
  }
}

/** The smallest id of a time: where a page that begins or ends with that time begins or ends. */
export function firstEventId(at: number): string {
  const time = hex(at, 12)
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}

/** The variant and 62 random bits, which keep the ids of several replicas apart. */
function randomBits(): string {
  const bytes = randomBytes(8)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x80
  const text = bytes.toString('hex')
  return `${text.slice(0, 4)}-${text.slice(4)}`
}

function hex(value: number, length: number): string {
  return value.toString(16).padStart(length, '0')
}
