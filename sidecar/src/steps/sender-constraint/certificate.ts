/** The certificate whose key a client has proven to hold, as the gateway tells it (RFC 8705 section 3). */
import type { DecisionRequest } from '@postern/protocol/decision'
import { LRUCache } from 'lru-cache'
import { Refusal } from '../../failures.ts'
import { valuesOf } from '../token-sources/header.ts'
import type { ThumbprintOf } from './certificate-forms/form.ts'

/**
 * @returns the `x5t#S256` of the certificate (section 3.1); undefined where the client has none
 * @throws Refusal where what stands for it is repeated or malformed
 */
export type ReadThumbprint = (request: DecisionRequest) => string | undefined

/** More than any certificate needs; looking at it would keep the event loop from its work. */
const maxLength = 16_384
/** Characters of certificates that were looked at: clients show theirs with each request, and to parse one costs 60 µs. */
const maxRemembered = 4_000_000

/** @param name of the header, in lower case: the gateway sets it, whatever a client sent in it */
export function thumbprintFromHeader(name: string, thumbprintOf: ThumbprintOf): ReadThumbprint {
  const read = createRead(thumbprintOf)
  return (request) => {
    const [value, another] = valuesOf(request, name)
    if (another !== undefined) throw unreadable()
    return read(value)
  }
}

/** Of the decision request: plugins know the certificate by the connection. @param thumbprintOf of PEM */
export function thumbprintFromGateway(thumbprintOf: ThumbprintOf): ReadThumbprint {
  const read = createRead(thumbprintOf)
  return ({ client_certificate: pem }) => read(pem)
}

function createRead(thumbprintOf: ThumbprintOf): (value: string | undefined) => string | undefined {
  const known = new LRUCache<string, string>({
    maxSize: maxRemembered,
    sizeCalculation: ({ length }, key) => length + key.length,
  })
  return (value) => {
    // Gateways send an empty text for a client without a certificate.
    if (!value) return undefined
    const thumbprint = known.get(value) ?? (value.length > maxLength ? undefined : thumbprintOf(value))
    if (thumbprint === undefined) throw unreadable()
    known.set(value, thumbprint)
    return thumbprint
  }
}

function unreadable(): Refusal {
  return new Refusal('invalid_token', 'the client certificate cannot be read')
}
