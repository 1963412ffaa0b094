/** No decision, no pass: at the gateways that have no plugin, whose cases in plugins/contract would prove it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { caddy } from './caddy.ts'
import { createClient } from './client.ts'
import { haproxy } from './haproxy.ts'
import { type Stage, startStage } from './stage.ts'

const gateways = [haproxy, caddy]
const versions = await Promise.all(gateways.map((gateway) => gateway.version()))
let stage: Stage

beforeAll(async () => {
  stage = await startStage(gateways)
})
afterAll(() => stage.close())

for (const [index, gateway] of gateways.entries()) {
  const installed = process.env.CI === 'true' || versions[index] !== undefined
  if (!installed) process.stderr.write(`SKIPPED: no decision at ${gateway.name}, because it is not installed\n`)

  test.skipIf(!installed)(
    `${gateway.name} lets nobody pass without the sidecar, or with another server in its place`,
    async () => {
      const page = createServer((_request, response) => response.end('<html>It works!</html>'))
      await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve))
      const input = stage.input(index)
      const http = `127.0.0.1:${(page.address() as AddressInfo).port}`
      const running = await gateway.start({ ...input, sidecar: { ...input.sidecar, http } })
      try {
        const ask = createClient(running.url, stage.ca.cert)
        const headers = ['Authorization', `Bearer ${await stage.bench.issuer.mint()}`, 'X-Postern-Decision', 'allow']
        expect(await ask(undefined, headers)).toMatchObject({ status: 503 })
        page.closeAllConnections()
        await new Promise((resolve) => page.close(resolve))
        const { status } = await ask(undefined, headers)
        expect([502, 503]).toContain(status)
      } finally {
        await running.stop()
        page.close()
      }
    },
  )
}
