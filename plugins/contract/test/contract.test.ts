/** Every gateway of the list through every case, against its real binary and the real sidecar. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cases } from '../cases/list.ts'
import { sidecarFailureCases } from '../cases/sidecar-failures.ts'
import { tokenCases } from '../cases/tokens.ts'
import type { Gateway, RunningGateway } from '../gateways/gateway.ts'
import { gateways } from '../gateways/list.ts'
import { play, type Stage, startGateway, startStage } from '../harness/stage.ts'
import { valuesOf } from '../harness/upstream.ts'

const [allowed] = tokenCases
const [down] = sidecarFailureCases
if (!allowed || !down) throw new Error('the lists of cases are empty')

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage.close())

for (const gateway of gateways) {
  const reason = await gateway.unavailable()
  describe(gateway.name, () => {
    if (reason === undefined) contract(gateway)
    else notRun(reason)
  })
}

/** A gateway that cannot run here is skipped, with the reason; where everything has to be there, it is a failure. */
function notRun(reason: string): void {
  test(`runs here: ${reason}`, ({ skip }) => {
    if (process.env.CI) throw new Error(reason)
    skip(reason)
  })
}

function contract(gateway: Gateway): void {
  let running: RunningGateway
  beforeAll(async () => {
    running = await startGateway(gateway, stage)
  })
  afterAll(() => running.stop())

  test.each(cases.map((played) => [played.name, played] as const))('%s', async (_name, played) => {
    played.verify(await play(stage, gateway, running.url, played))
  })

  test('the sidecar comes back: requests pass again', async () => {
    down?.verify(await play(stage, gateway, running.url, down))
    allowed?.verify(await play(stage, gateway, running.url, allowed))
  })

  test.each([
    ['allowed', 200],
    ['refused', 401],
  ])('connections to the sidecar are used again: %s requests', async (name, status) => {
    const front = stage.fronts[gateway.asks]
    await front.become('sidecar')
    const authorization = name === 'allowed' ? `Bearer ${await stage.issuer.mint()}` : 'none'
    for (let request = 0; request < 20; request += 1) {
      const answer = await fetch(running.url, { headers: { authorization } })
      await answer.text()
      expect(answer.status).toBe(status)
    }
    expect(gateway.asked(front.received())).toHaveLength(20)
    expect(front.connections()).toBeLessThanOrEqual(3)
  })

  test('requests at the same time do not get each other’s identity', async () => {
    await stage.fronts[gateway.asks].become('sidecar')
    stage.upstream.seen.length = 0
    const subjects = Array.from({ length: 20 }, (_, index) => `user-${index}`)
    const tokens = await Promise.all(subjects.map((sub) => stage.issuer.mint({ claims: { sub } })))
    const ask = async (index: number) => {
      const authorization = `Bearer ${tokens[index % tokens.length]}`
      return (await fetch(`${running.url}/${subjects[index % tokens.length]}`, { headers: { authorization } })).status
    }
    // In waves: on a busy machine, two hundred at once would be about the deadline of the gateway.
    for (let wave = 0; wave < 5; wave++) {
      const statuses = await Promise.all(Array.from({ length: 40 }, (_, index) => ask(wave * 40 + index)))
      expect(statuses).toEqual(statuses.map(() => 200))
    }
    expect(stage.upstream.seen).toHaveLength(200)
    for (const request of stage.upstream.seen) {
      expect(valuesOf(request, 'x-postern-subject')).toEqual([request.target.slice(1)])
    }
  })

  test('the sidecar can be asked over its unix socket', async () => {
    const { sidecar } = stage
    const { socketPath } = gateway.asks === 'grpc' ? sidecar.grpc : sidecar
    const local = await startGateway(gateway, stage, { socketPath })
    try {
      allowed?.verify(await play(stage, gateway, local.url, allowed))
    } finally {
      await local.stop()
    }
  })
}
