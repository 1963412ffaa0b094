/**
 * Positions in the feed: `<stream>.<sequence>`. The same text is the `jti` of the event that stands there (RFC 8417
 * section 2.2: the same in every delivery), so to acknowledge an event is to name a position.
 */
export interface Cursor {
  stream: string
  sequence: number
}

/** Where no revocation has ever been: a position of no stream. */
export const beginning = '0'

const pattern = /^([A-Za-z0-9_-]{1,64})\.([0-9]{1,15})$/

export function formatCursor({ stream, sequence }: Cursor): string {
  return `${stream}.${sequence}`
}

/** @returns undefined for what is no position of any stream */
export function parseCursor(text: string): Cursor | undefined {
  const [, stream, sequence] = pattern.exec(text) ?? []
  return stream === undefined ? undefined : { stream, sequence: Number(sequence) }
}
