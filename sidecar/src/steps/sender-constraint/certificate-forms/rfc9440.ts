/** `Client-Cert` (RFC 9440 section 2.2): a byte sequence of structured fields. */
import { thumbprintOfDer } from './der.ts'
import type { ThumbprintOf } from './form.ts'

/** RFC 8941 section 3.3.5, without parameters. */
const byteSequence = /^:([A-Za-z0-9+/]+={0,2}):$/

export const thumbprintOfClientCert: ThumbprintOf = (value) => {
  const [, encoded] = byteSequence.exec(value) ?? []
  return encoded === undefined ? undefined : thumbprintOfDer(encoded)
}
