/**
 * Header names as an upstream may come to see them. CGI, WSGI and their kin turn `-` into `_`, and some turn every
 * other sign into `_` as well; so `X-Postern-Subject`, `x_postern_subject` and `x.postern.subject` can all arrive
 * as one variable. Whoever removes a header must remove all of its spellings.
 */

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Whether the text is a header field name (RFC 9110 section 5.1). */
export function isHeaderName(text: string): boolean {
  return token.test(text)
}

/** One spelling for all spellings of a header name: lower case, every sign that is no letter or digit as `-`. */
export function canonicalHeaderName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-')
}

/** A test for header names that are a spelling of one of the given names. */
export function spellingsOf(names: Iterable<string>): (name: string) => boolean {
  const canonical = new Set([...names].map(canonicalHeaderName))
  return (name) => canonical.has(canonicalHeaderName(name))
}
