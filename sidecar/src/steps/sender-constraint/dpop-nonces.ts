/**
 * Server nonces for DPoP proofs (RFC 9449 section 9), without a memory of them: the number of a span of time with its MAC,
 * which all sidecars of one secret make and recognise. Whoever holds one can make proofs for that time, and none for a
 * later one.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export interface DpopNonces {
  current(): string
  /** Whether it is that of the current span, or of one beside it. */
  accepts(nonce: string): boolean
}

export interface DpopNoncesOptions {
  secret: () => string
  /** Seconds that one is offered for; it is accepted for as long again. */
  lifetime: number
  /** ms since the epoch */
  now: () => number
}

const form = /^(\d{1,15})\.([A-Za-z0-9_-]{43})$/

export function createDpopNonces({ secret, lifetime, now }: DpopNoncesOptions): DpopNonces {
  const span = () => Math.floor(now() / (lifetime * 1_000))
  const mac = (text: string) => createHmac('sha256', secret()).update(`DPoP nonce ${text}`).digest()
  return {
    current() {
      const number = String(span())
      return `${number}.${mac(number).toString('base64url')}`
    },
    accepts(nonce) {
      const [, number = '', received = ''] = form.exec(nonce) ?? []
      // The next one too: clocks of other sidecars may be ahead.
      if (number === '' || Math.abs(Number(number) - span()) > 1) return false
      return timingSafeEqual(mac(number), Buffer.from(received, 'base64url'))
    },
  }
}
