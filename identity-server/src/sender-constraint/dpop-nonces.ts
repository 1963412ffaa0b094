/**
 * Server nonces for DPoP proofs (RFC 9449 section 8), without a memory of them: a MAC of the time, which every replica
 * can make and recognise. Whoever holds one can make proofs for that time, and none for a later one.
 */
import type { MasterKeys } from '../keys/master-keys.ts'

export interface DpopNonces {
  /** @param now ms since the epoch */
  current(authServer: string, now: number): string
  /** Whether it is the current one or one of its neighbours. */
  accepts(authServer: string, nonce: string, now: number): boolean
}

const windowMs = 60_000
/** The one before, so that a nonce is good for a minute at least; the one after, for clocks of replicas that are ahead. */
const accepted = [0, -1, 1]

export function createDpopNonces(masterKeys: MasterKeys): DpopNonces {
  const mac = masterKeys.createMac('DPoP nonces')
  const windowText = (authServer: string, now: number, offset: number) =>
    `${authServer} ${Math.floor(now / windowMs) + offset}`
  return {
    current: (authServer, now) => mac.sign(windowText(authServer, now, 0)).toString('base64url'),
    accepts(authServer, nonce, now) {
      const bytes = Buffer.from(nonce, 'base64url')
      return accepted.some((offset) => mac.verify(windowText(authServer, now, offset), bytes))
    },
  }
}
