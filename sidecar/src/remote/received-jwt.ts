/** A JWT as it was received: taken apart once, before anything of it is believed. */
import { readUnverifiedJws, type UnverifiedJws } from '@postern/protocol/compact-jws'

export interface ReceivedJwt extends UnverifiedJws {
  /** What is signed (RFC 7515 section 5.2). */
  signingInput: Buffer
  signature: Buffer
}

/** Longer ones are no tokens; reading them would keep the event loop from its work. */
const maxLength = 65_536

/** @returns undefined where it is no strictly spelled JWT */
export function receiveJwt(text: string): ReceivedJwt | undefined {
  const unverified = readUnverifiedJws(text, maxLength)
  if (!unverified) return undefined
  const end = text.lastIndexOf('.')
  const [signingInput, signature] = [Buffer.from(text.slice(0, end)), Buffer.from(text.slice(end + 1), 'base64url')]
  return { ...unverified, signingInput, signature }
}

/** Its `typ` as media types are compared (RFC 7515 section 4.1.9); undefined where there is none, empty where it is no text. */
export function typeOf({ header: { typ } }: UnverifiedJws): string | undefined {
  if (typ === undefined) return undefined
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : ''
}
