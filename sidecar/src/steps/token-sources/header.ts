/** A header: `Authorization` with its scheme (RFC 6750 section 2.1, RFC 9449 section 7.1), any other with the token alone. */
import { credentialsOf } from '@postern/protocol/authentication-scheme'
import type { DecisionRequest } from '@postern/protocol/decision'
import { type Extraction, onlyToken, type TokenReader } from './source.ts'

export function readHeader(header: string): TokenReader {
  const name = header.toLowerCase()
  return name === 'authorization' ? authorization : { read: (request) => onlyToken(valuesOf(request, name)) }
}

const authorization: TokenReader = {
  read({ headers }) {
    let value: string | undefined
    for (let index = 0; index + 1 < headers.length; index += 2) {
      const candidate = headers[index]
      if (candidate?.length !== 13 || candidate.toLowerCase() !== 'authorization') continue
      if (value !== undefined) return 'repeated'
      value = headers[index + 1]
    }
    return value === undefined ? 'none' : readCredentials(value)
  },
}

function readCredentials(value: string): Extraction {
  const bearer = credentialsOf('bearer', value)
  if (bearer !== undefined) return { token: bearer }
  const bound = credentialsOf('dpop', value)
  return bound === undefined ? 'none' : { token: bound, scheme: 'DPoP' }
}

/** Of a header, in the order of the request. @param name in lower case */
export function valuesOf({ headers }: DecisionRequest, name: string): string[] {
  const values: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === name) values.push(headers[index + 1] ?? '')
  }
  return values
}
