import autocannon from 'autocannon'
import { forwardAuth, knownFigure } from '../sidecars/known.ts'

const atOnce = 1_000

/** Introspection requests for a thousand at once that bring one opaque token, which the sidecar does not know. */
export const coldOpaqueToken = knownFigure(
  { name: 'cold-opaque-token', unit: 'introspections', atMost: 1 },
  async ({ issuer, sidecar }) => {
    const result = await autocannon({
      url: sidecar.origin,
      requests: [forwardAuth('opaque')],
      connections: atOnce,
      amount: atOnce,
      timeout: 60,
    })
    if (result['2xx'] !== atOnce) throw new Error(`${result['2xx']} of ${atOnce} were let through`)
    return issuer.introspections()
  },
)
