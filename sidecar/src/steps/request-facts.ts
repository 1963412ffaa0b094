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
  /** Decoded; each parameter with all of its values. Not there either where they are too many. */
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

/** An expression may walk through all of them, and again for each of them; what they are is the client's to choose. */
const maxParameters = 256

function readRequest({ method, uri, headers }: DecisionRequest): RequestValue {
  return { ...(isUsualMethod(method) && { method }), ...(uri !== '' && readTarget(uri)), headers: readHeaders(headers) }
}

function readTarget(uri: string): Pick<RequestValue, 'path' | 'query'> {
  const mark = uri.indexOf('?')
  if (mark < 0) return { path: uri, query: {} }
  const path = uri.slice(0, mark)
  const parameters = new URLSearchParams(uri.slice(mark + 1))
  return parameters.size > maxParameters ? { path } : { path, query: readQuery(parameters) }
}

function readQuery(parameters: URLSearchParams): Record<string, string[]> {
  const query: Record<string, string[]> = Object.create(null)
  for (const [name, value] of parameters) {
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
