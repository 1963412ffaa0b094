/** W3C Trace Context: the trace that a request belongs to. */

/** Of version 00 nothing may follow the flags; a later version may add to them (section 3.2). */
const traceparent =
  /^(?:00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}|(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?)$/

/**
 * @param value of the `traceparent` header
 * @returns the trace id, or undefined where the header is malformed: then the request begins a trace (section 3.2.2)
 */
export function parseTraceparent(value: string): string | undefined {
  const [, trace00, parent00, traceLater, parentLater] = traceparent.exec(value) ?? []
  const trace = trace00 ?? traceLater
  const parent = parent00 ?? parentLater
  return trace === undefined || isZero(trace) || isZero(parent ?? '') ? undefined : trace
}

function isZero(hex: string): boolean {
  return /^0*$/.test(hex)
}
