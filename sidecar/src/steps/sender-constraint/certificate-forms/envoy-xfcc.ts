/**
 * Envoy's `X-Forwarded-Client-Cert`, set by `SANITIZE_SET`. Envoy begins with what no client has a say in, and what stands
 * behind it need not be read: names of the certificate among it, some without quotes.
 */
import type { ThumbprintOf } from './form.ts'

/** `By`, if any, are names of Envoy's own certificate. */
const beginning = /^(?:By=[^,;"]*;)*Hash=([0-9a-f]{64})(?:;|$)/

export const thumbprintOfXfcc: ThumbprintOf = (value) => {
  const [, hash] = beginning.exec(value) ?? []
  // With a second one, the first may be a client's, to which an Envoy that is told otherwise has appended its own.
  const isOnly = value.indexOf('Hash=') === value.lastIndexOf('Hash=')
  return hash !== undefined && isOnly ? Buffer.from(hash, 'hex').toString('base64url') : undefined
}
