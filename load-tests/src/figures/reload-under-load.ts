import { setTimeout as delay } from 'node:timers/promises'
import autocannon from 'autocannon'
import { forwardAuth, knownFigure } from '../sidecars/known.ts'

const seconds = 5
const reloads = 20

/** Requests that are not answered as they should be while the sidecar reloads its configuration again and again. */
export const reloadUnderLoad = knownFigure(
  { name: 'lost-in-20-reloads', unit: 'requests', atMost: 0 },
  async ({ issuer, sidecar }) => {
    const flood = autocannon({
      url: sidecar.origin,
      requests: [forwardAuth(issuer.mint())],
      connections: 32,
      duration: seconds,
    })
    for (let count = 0; count < reloads; count++) {
      await delay((seconds * 1_000) / (reloads + 2))
      process.kill(sidecar.pid, 'SIGHUP')
    }
    const { non2xx, errors, timeouts } = await flood
    return non2xx + errors + timeouts
  },
)
