import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import autocannon from 'autocannon'
import { cpuSeconds } from '../measure.ts'
import { median } from '../report.ts'
import { forwardAuth, knownFigure, type Pair } from '../sidecars/known.ts'

const tokens = 10_000
const rounds = 5

/**
 * What a token costs that the sidecar has never seen, beyond what a request with a known one does: all that is checked of it,
 * and to keep it. In verifications of ES256 in a tight loop, which are measured in turn. At 0.6 of the loop's rate, that is
 * 1.67 of them. By processor time, since verifications are done in bursts: each token waits for those of its burst.
 */
export const uncachedVerification = knownFigure(
  { name: 'uncached-verification', unit: 'ES256 verifications', atMost: 1.67 },
  (pair) => inVerifications(async () => (await timeOfNew(pair)) - (await timeOfKnown(pair))),
)

/** The whole request, its way over loopback included. */
export const uncachedRequest = knownFigure({ name: 'uncached-request', unit: 'ES256 verifications' }, (pair) =>
  inVerifications(() => timeOfNew(pair)),
)

/** @param measure µs of one token */
async function inVerifications(measure: () => Promise<number>): Promise<number> {
  // What Node.js has not compiled yet is no measure.
  await measure()
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const before = verification()
    const spent = await measure()
    ratios.push(spent / ((before + verification()) / 2))
  }
  return median(ratios) ?? Number.NaN
}

function timeOfNew(pair: Pair): Promise<number> {
  const prepared = Array.from({ length: tokens }, () => forwardAuth(pair.issuer.mint()))
  return timeOf(pair, () => prepared.pop() ?? forwardAuth(pair.issuer.mint()))
}

function timeOfKnown(pair: Pair): Promise<number> {
  const known = forwardAuth(pair.issuer.mint())
  return timeOf(pair, () => known)
}

/** @returns µs of the sidecar's processor time for each request */
async function timeOf({ sidecar }: Pair, next: () => ReturnType<typeof forwardAuth>): Promise<number> {
  const before = cpuSeconds(sidecar.pid) ?? Number.NaN
  const result = await autocannon({
    url: sidecar.origin,
    requests: [{ setupRequest: next }],
    connections: 32,
    amount: tokens,
  })
  if (result['2xx'] < tokens) throw new Error(`${result['2xx']} of ${tokens} were let through`)
  return (((cpuSeconds(sidecar.pid) ?? Number.NaN) - before) / tokens) * 1e6
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const dsaEncoding = 'ieee-p1363' as const
const text = randomBytes(300)
const signature = sign('sha256', text, { key: privateKey, dsaEncoding })
const loop = 4_000

/** @returns µs of processor time */
function verification(): number {
  const key = { key: publicKey, dsaEncoding }
  const before = process.cpuUsage()
  for (let count = 0; count < loop; count++) verify('sha256', text, key, signature)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / loop
}
