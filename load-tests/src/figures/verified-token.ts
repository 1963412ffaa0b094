import type { KeyRing } from '@postern/identity-server/keys/signing-keys'
import { createVerifiedTokens } from '@postern/identity-server/tokens/verified-tokens'
import type { Figure } from './figure.ts'
import { microsecondsOf } from './microseconds.ts'

const ring: KeyRing = {
  active: { kid: 'k', algorithm: 'ES256', sign: () => Promise.reject(new Error('not asked')) },
  verifyAccessToken: () => Promise.reject(new Error('not asked')),
  jwks: { keys: [] },
}

/** A token that was verified before, found again among 10,000 others. */
export const verifiedToken: Figure = {
  name: 'verified-token',
  unit: 'µs',
  measure() {
    const verified = createVerifiedTokens<object>()
    const tokens = Array.from({ length: 10_000 }, (_, index) => `${index}`.padEnd(500, 'x'))
    for (const token of tokens) verified.add(ring, token, {})
    // As it arrives: in bytes, so that nothing of the text is known yet.
    const arriving = tokens.map((token) => Buffer.from(token))
    let next = 0
    return microsecondsOf(20_000, () => {
      const token = arriving[next++ % arriving.length]?.toString() ?? ''
      if (!verified.find(ring, token)) throw new Error('it is not known')
    })
  },
}
