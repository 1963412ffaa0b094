/** A parameter of the URL (RFC 6750 section 2.3): for those who cannot send a header, since URLs end up in logs. */
import { onlyToken, type TokenReader } from './source.ts'

export function readQuery(parameter: string): TokenReader {
  return {
    read({ uri }) {
      const mark = uri.indexOf('?')
      return mark < 0 ? 'none' : onlyToken(new URLSearchParams(uri.slice(mark + 1)).getAll(parameter))
    },
  }
}
