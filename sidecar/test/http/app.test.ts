import { createServer } from 'node:http'
import type { Allow } from '@postern/protocol/decision'
import fastify from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import type { Decider } from '../../src/decider/decider.ts'
import { createRequestListener } from '../../src/http/app.ts'
import { forwardAuth } from '../../src/transports/forward-auth.ts'

let close = async () => {}

afterEach(() => close())

/** What nothing in front of it lets happen: a header that no answer can have. */
const impossible: Allow = { decision: 'allow', remove_headers: [], set_headers: { 'x-a': 'a\r\nb' }, expires_at: 0 }

async function start(decide: Decider['decide']): Promise<{ ask(path: string): Promise<number>; log: unknown[] }> {
  const app = fastify()
  await app.ready()
  const log: unknown[] = []
  const logger = { error: (...line: unknown[]) => void log.push(line) }
  const server = createServer(createRequestListener(app, [forwardAuth], { decide }, logger))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await app.close()
  }
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { log, ask: async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).status }
}

describe('a defect of a direct transport', () => {
  test.each<[when: string, decide: Decider['decide']]>([
    ['at once', () => impossible],
    ['later', async () => impossible],
    ['of the decider', () => Promise.reject(new Error('a defect'))],
  ])('%s is 503, a line of the log, and not the end of the process', async (_when, decide) => {
    const { ask, log } = await start(decide)
    expect(await ask('/v1/forward-auth/main')).toBe(503)
    expect(await ask('/v1/forward-auth/main')).toBe(503)
    expect(log).toHaveLength(2)
  })

  test('other paths are the app’s', async () => {
    const { ask } = await start(() => impossible)
    expect(await ask('/v1/other')).toBe(404)
  })
})
