import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { accessToken, demoRequest } from '../scenarios/demo-client.ts'
import { variable } from '../scenarios/scenario.ts'
import { type RunningSidecar, startSidecar } from '../sidecars/sidecar.ts'
import type { Targets } from '../targets.ts'
import type { Figure } from './figure.ts'

const sidecars = 10
const revocations = 20
/** Between looks: finer than what is looked for. */
const lookEveryMs = 5

/** From the answer to a revocation until the last sidecars refuse the token: the 99th percentile over all of them. */
export const revocationToDenial: Figure = {
  name: 'revocation-to-denial-p99',
  unit: 's',
  atMost: 1,
  async measure(targets) {
    const config = await demoConfig(targets)
    const running: RunningSidecar[] = []
    try {
      for (let count = 0; count < sidecars; count++) running.push(await startSidecar(config))
      const times: number[] = []
      for (let count = 0; count < revocations; count++) times.push(...(await revokeOnce(targets, running)))
      return (times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN) / 1_000
    } finally {
      await Promise.all(running.map((sidecar) => sidecar.stop()))
    }
  },
}

/** ms until each of them refuses. */
async function revokeOnce(targets: Targets, running: readonly RunningSidecar[]): Promise<number[]> {
  const token = await accessToken(targets)
  const path = `/v1/forward-auth/${variable(targets, 'DEMO_POLICY')}`
  const statusAt = async ({ origin }: RunningSidecar) =>
    (await fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } })).status
  const allowed = await Promise.all(running.map(statusAt))
  if (allowed.some((status) => status !== 200)) throw new Error(`a new token got ${allowed.join()}`)

  const { origin } = new URL(variable(targets, 'POSTERN_ISSUER'))
  const request = demoRequest(targets, 'revoke', { token })
  const answer = await fetch(`${origin}${request.path}`, {
    method: request.method,
    ...(request.headers && { headers: request.headers }),
    ...(request.body !== undefined && { body: request.body }),
  })
  if (!answer.ok) throw new Error(`the revocation was answered by ${answer.status}`)
  const begun = performance.now()
  const refusedAfter = async (sidecar: RunningSidecar) => {
    while ((await statusAt(sidecar)) !== 401) {
      if (performance.now() - begun > 10_000) throw new Error('a revoked token is still let through after 10 s')
      await delay(lookEveryMs)
    }
    return performance.now() - begun
  }
  return Promise.all(running.map(refusedAfter))
}

/** That of the demo's sidecar, but for where it listens. */
async function demoConfig(targets: Targets): Promise<object> {
  const file = join(dirname(targets.envFile), 'sidecar.yaml')
  const { listen: _, admin: __, ...config } = parse(await readFile(file, 'utf8'))
  return config
}
