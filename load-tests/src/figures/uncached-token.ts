import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import autocannon from 'autocannon'
import { cpuSeconds } from '../measure.ts'
import { median } from '../report.ts'
import { forwardAuth, knownFigure, type Pair } from '../sidecars/known.ts'

const tokens = 10_000
const rounds = 3
const step = 'postern_sidecar_step_duration_seconds'

/**
 * What it takes to verify a token that the sidecar has never seen, with all that is checked of it: in verifications of
 * ES256 in a tight loop, which are measured in turn. At 0.6 of the loop's rate, that is 1.67 of them.
 */
export const uncachedVerification = knownFigure(
  { name: 'uncached-verification', unit: 'ES256 verifications', atMost: 1.67 },
  async (pair) => {
    const spent = async () => {
      const metrics = await (await fetch(`${pair.sidecar.admin}/metrics`)).text()
      const value = (name: string) =>
        Number(new RegExp(`^${step}_${name}\\{step="authenticate"\\} (\\S+)$`, 'm').exec(metrics)?.[1] ?? 0)
      return { seconds: value('sum'), count: value('count') }
    }
    return inVerifications(performance.now.bind(performance), async () => {
      const before = await spent()
      await sendNewTokens(pair)
      const after = await spent()
      return ((after.seconds - before.seconds) / (after.count - before.count)) * 1e6
    })
  },
)

/** The processor time of the whole request, its way over loopback included. */
export const uncachedRequest = knownFigure({ name: 'uncached-request', unit: 'ES256 verifications' }, async (pair) =>
  inVerifications(cpuMs, async () => {
    const before = cpuSeconds(pair.sidecar.pid) ?? Number.NaN
    await sendNewTokens(pair)
    return (((cpuSeconds(pair.sidecar.pid) ?? Number.NaN) - before) / tokens) * 1e6
  }),
)

/** @param clock ms. @param measure µs of one token */
async function inVerifications(clock: () => number, measure: () => Promise<number>): Promise<number> {
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const before = verification(clock)
    const spent = await measure()
    ratios.push(spent / ((before + verification(clock)) / 2))
  }
  return median(ratios) ?? Number.NaN
}

async function sendNewTokens({ issuer, sidecar }: Pair): Promise<void> {
  const prepared = Array.from({ length: tokens }, () => forwardAuth(issuer.mint()))
  const result = await autocannon({
    url: sidecar.origin,
    requests: [{ setupRequest: () => prepared.pop() ?? forwardAuth(issuer.mint()) }],
    connections: 32,
    amount: tokens,
  })
  if (result['2xx'] < tokens) throw new Error(`${result['2xx']} of ${tokens} were let through`)
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const dsaEncoding = 'ieee-p1363' as const
const text = randomBytes(300)
const signature = sign('sha256', text, { key: privateKey, dsaEncoding })
const loop = 4_000

/** µs */
function verification(clock: () => number): number {
  const key = { key: publicKey, dsaEncoding }
  const begun = clock()
  for (let count = 0; count < loop; count++) verify('sha256', text, key, signature)
  return ((clock() - begun) * 1_000) / loop
}
