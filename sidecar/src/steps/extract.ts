/** The caller's token, from the places that the policy names and from no other. */
import type { DecisionRequest } from '@postern/protocol/decision'
import type { TokenSource } from '../config/schema/token-source.ts'
import { readCookie } from './token-sources/cookie.ts'
import { readForm } from './token-sources/form.ts'
import { readHeader } from './token-sources/header.ts'
import { readQuery } from './token-sources/query.ts'
import type { Extraction, TokenReader } from './token-sources/source.ts'

export type ExtractToken = (request: DecisionRequest) => Extraction

export function createExtractToken(sources: readonly TokenSource[]): ExtractToken {
  const readers = sources.flatMap(toReaders)
  const [only, ...more] = readers
  if (only && more.length === 0) return only.read
  return (request) => {
    let found: Extraction = 'none'
    for (const { read } of readers) {
      const extraction = read(request)
      if (extraction === 'none') continue
      // More than one method in a request must not be used (RFC 6750 section 2).
      if (extraction === 'repeated' || found !== 'none') return 'repeated'
      found = extraction
    }
    return found
  }
}

function toReaders({ header, query, cookie, form }: TokenSource): TokenReader[] {
  if (header !== undefined) return [readHeader(header)]
  if (query !== undefined) return [readQuery(query)]
  if (cookie !== undefined) return [readCookie(cookie)]
  return form !== undefined ? [readForm(form)] : []
}
