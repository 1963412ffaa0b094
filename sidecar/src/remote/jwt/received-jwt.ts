/** A JWT as it was received: taken apart once, before anything of it is believed. */
import { readUnverifiedJws, type UnverifiedJws } from '@postern/protocol/compact-jws'

export interface ReceivedJwt extends UnverifiedJws {
  /** What is signed (RFC 7515 section 5.2). */
  signingInput: Buffer
}

/** Longer ones are no tokens; reading them would keep the event loop from its work. */
const maxLength = 65_536

/** @returns undefined where it is no strictly spelled JWT */
export function receiveJwt(text: string): ReceivedJwt | undefined {
  const unverified = readUnverifiedJws(text, maxLength)
  if (!unverified) return undefined
  const { header, payload, signature } = unverified
  return { header, payload, signature, signingInput: Buffer.from(text.slice(0, text.lastIndexOf('.')), 'latin1') }
}

/** Its `typ` as media types are compared (RFC 7515 section 4.1.9); undefined where there is none, empty where it is no text. */
export function typeOf({ header: { typ } }: UnverifiedJws): string | undefined {
  if (typ === undefined) return undefined
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : ''
}
