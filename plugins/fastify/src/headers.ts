/**
 * Changing the headers of a request so that every proxy plugin forwards the change: some read `request.headers`,
 * some `request.raw.headers`, some `request.raw.rawHeaders`.
 */
import type { Allow } from '@postern/protocol/decision'
import { canonicalHeaderName, spellingsOf } from '@postern/protocol/header-name'
import type { FastifyRequest } from 'fastify'

type NameTest = (name: string) => boolean

/** What an allow decision removes: the named headers, and other spellings of those that it sets. */
export function spellingsToRemove({ remove_headers, set_headers }: Allow): NameTest {
  return spellingsOf([...remove_headers, ...Object.keys(set_headers)])
}

/** Names that upstreams take for Postern's own; no client may send them on a route without a decision either. */
export function isPosternHeader(name: string): boolean {
  return canonicalHeaderName(name).startsWith('x-postern-')
}

/** First removes what the test names, then sets. */
export function rewriteHeaders(request: FastifyRequest, isRemoved: NameTest, set: Record<string, string>): void {
  const { raw } = request
  // Node derives `headers` from `rawHeaders` when first asked; change it after that, not before.
  const headers = raw.headers
  const fields = rewrittenFields(raw.rawHeaders, isRemoved, set)
  raw.rawHeaders.splice(0, raw.rawHeaders.length, ...fields)
  rewriteMap(headers, isRemoved, set)
  // Derived from `rawHeaders` when first asked as well, by a count of fields that no longer holds.
  if (raw.httpVersionMajor === 1) raw.headersDistinct = distinct(fields)
  // An earlier hook that assigned `request.headers` left a map of its own over `raw.headers`.
  if (request.headers !== headers) request.headers = rewriteMap({ ...request.headers }, isRemoved, set)
}

function rewrittenFields(fields: readonly string[], isRemoved: NameTest, set: Record<string, string>): string[] {
  const kept: string[] = []
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] ?? ''
    const value = fields[index + 1] ?? ''
    if (isRemoved(name)) continue
    if (name.toLowerCase() !== 'connection') kept.push(name, value)
    else if (connectionOptions(value, isRemoved) !== '') kept.push(name, connectionOptions(value, isRemoved))
  }
  for (const [name, value] of Object.entries(set)) kept.push(name, value)
  return kept
}

function distinct(fields: readonly string[]): Record<string, string[]> {
  const lists: Record<string, string[]> = Object.create(null)
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index]?.toLowerCase() ?? ''
    const list = lists[name] ?? []
    list.push(fields[index + 1] ?? '')
    lists[name] = list
  }
  return lists
}

function rewriteMap<Headers extends NodeJS.Dict<string | string[]>>(
  headers: Headers,
  isRemoved: NameTest,
  set: Record<string, string>,
): Headers {
  for (const name of Object.keys(headers)) if (isRemoved(name)) delete headers[name]
  const { connection } = headers
  if (typeof connection === 'string') {
    const options = connectionOptions(connection, isRemoved)
    if (options === '') delete headers.connection
    else Object.assign(headers, { connection: options })
  }
  return Object.assign(headers, set)
}

/**
 * A proxy drops the headers that `Connection` lists (RFC 9110 section 7.6.1). A client that listed identity headers
 * there could make it drop those which the decision has set.
 */
function connectionOptions(value: string, isRemoved: NameTest): string {
  return value
    .split(',')
    .map((option) => option.trim())
    .filter((option) => option !== '' && !isRemoved(option))
    .join(', ')
}
