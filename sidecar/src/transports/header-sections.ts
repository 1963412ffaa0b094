/**
 * Header sections of answers, rendered once for as long as a decision is kept. Node.js looks at each character of each
 * field again for each answer, which costs more than the decision itself (docs/decisions/0058).
 */
import { type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http'
import type { Allow } from '@postern/protocol/decision'

export interface HeaderSections {
  /**
   * Answers 200 with the fields of the decision.
   * @returns false where it has to be sent with `writeHead`, since the connection is to end
   * @throws TypeError where a field has characters that must not be sent
   */
  send(response: ServerResponse, allow: Allow): boolean
}

interface Kept extends Pick<Allow, 'set_headers' | 'remove_headers'> {
  section: string | undefined
}

/** At most so many are kept, of at most so many characters: 16 MiB. */
const maxSections = 4_096
const maxLength = 4_096

/**
 * @param fieldsOf name, value, name, value … of the answer, with Content-Length; none about the connection, which
 * config/checks refuses to set
 * @param now ms since the epoch
 */
export function createHeaderSections(fieldsOf: (allow: Allow) => string[], now: () => number): HeaderSections {
  /** Where a decision keeps what it was rendered to: a map of all of them would cost each new token more than the rendering. */
  const keptAt = Symbol('header section')
  const endOf = createEnds()
  const ring: Kept[] = []
  let next = 0

  const keep = (kept: Kept, section: string): void => {
    if (section.length > maxLength) return
    const displaced = ring[next]
    if (displaced) displaced.section = undefined
    kept.section = section
    ring[next] = kept
    next = (next + 1) % maxSections
  }

  return {
    send(response, allow: Allow & { [keptAt]?: Kept }) {
      // Of a version of Node.js that has no such field, nothing is known.
      if (!response.shouldKeepAlive || !('_header' in response)) return false
      const { set_headers, remove_headers, [keptAt]: kept } = allow
      // A decision made from another one may have brought along what that was rendered to.
      const isOwn = kept?.set_headers === set_headers && kept.remove_headers === remove_headers
      const section = (isOwn && kept.section) || render(fieldsOf(allow))
      // From the second time on: many a decision is sent once.
      if (!isOwn) allow[keptAt] = { set_headers, remove_headers, section: undefined }
      else if (kept.section === undefined) keep(kept, section)
      response._header = section + endOf(now())
      response.end()
      return true
    },
  }
}

function render(fields: string[]): string {
  const lines = ['HTTP/1.1 200 OK\r\n']
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [name = '', value = ''] = [fields[index], fields[index + 1]]
    validateHeaderName(name)
    validateHeaderValue(name, value)
    lines.push(name, ': ', value, '\r\n')
  }
  return lines.join('')
}

/** The fields that Node.js would add: the same for all answers of a second. */
function createEnds(): (now: number) => string {
  let second = Number.NaN
  let end = ''
  return (now) => {
    const current = Math.floor(now / 1_000)
    if (current !== second) {
      second = current
      end = `Date: ${new Date(now).toUTCString()}\r\nConnection: keep-alive\r\n\r\n`
    }
    return end
  }
}
