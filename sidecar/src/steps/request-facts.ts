/** A request, as conditions see it; read only where one asks. */
import type { DecisionRequest } from '@postern/protocol/decision'
import { isUsualMethod } from '../matching/router.ts'

export interface RequestFacts {
  readonly request: DecisionRequest
  /** The value of `request` in an expression, read once. */
  forExpressions(): RequestValue
}

/** What the gateway did not tell is not there: an expression that asks for it cannot be evaluated. */
export interface RequestValue {
  /** Not there either where it is no usual one, which the upstream may take for another. */
  method?: string
  /** As the client sent it, not decoded, without the query. */
  path?: string
  /** Decoded; each parameter with all of its values. */
  query?: Readonly<Record<string, readonly string[]>>
  /** Names in lower case; the values of a repeated one in a row, as RFC 9110 section 5.2 joins them. */
  headers: Readonly<Record<string, string>>
}

export function createRequestFacts(request: DecisionRequest): RequestFacts {
  let value: RequestValue | undefined
  return {
    request,
    forExpressions() {
      value ??= readRequest(request)
      return value
    },
  }
}

function readRequest({ method, uri, headers }: DecisionRequest): RequestValue {
  return { ...(isUsualMethod(method) && { method }), ...(uri !== '' && readTarget(uri)), headers: readHeaders(headers) }
}

function readTarget(uri: string): Pick<RequestValue, 'path' | 'query'> {
  const mark = uri.indexOf('?')
  return mark < 0 ? { path: uri, query: {} } : { path: uri.slice(0, mark), query: readQuery(uri.slice(mark + 1)) }
}

function readQuery(text: string): Record<string, string[]> {
  const query: Record<string, string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const values = query[name]
    if (values) values.push(value)
    else query[name] = [value]
  }
  return query
}

function readHeaders(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null)
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? ''
    const value = raw[index + 1] ?? ''
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before}, ${value}`
  }
  return headers
}
