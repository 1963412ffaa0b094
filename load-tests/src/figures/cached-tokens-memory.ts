import autocannon from 'autocannon'
import { memoryOf } from '../measure.ts'
import { forwardAuth, knownFigure } from '../sidecars/known.ts'

const tokens = 100_000

/** What a sidecar holds in memory with so many tokens in its cache. */
export const cachedTokensMemory = knownFigure(
  { name: 'memory-of-100000-tokens', unit: 'MiB', atMost: 300 },
  async ({ issuer, sidecar }) => {
    const result = await autocannon({
      url: sidecar.origin,
      requests: [{ setupRequest: () => forwardAuth(issuer.mint()) }],
      connections: 32,
      amount: tokens,
      timeout: 60,
    })
    if (result['2xx'] < tokens) throw new Error(`${result['2xx']} of ${tokens} were let through`)
    return memoryOf(sidecar.pid) ?? Number.NaN
  },
)
