import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { temporaryFolder } from '@postern/tools/servers/process'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Sidecar, startSidecar } from '../../src/compose.ts'
import { parseConfig } from '../../src/config/load.ts'
import { startTestIssuer, type TestIssuer } from '../support/issuer.ts'
import { benchConfig, withIntrospection } from '../support/sidecar.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let issuer: TestIssuer
let sidecar: Sidecar
let targets: { tcp: { port: number }; socket: { socketPath: string } }
const agent = new Agent({ keepAlive: true })

beforeEach(async () => {
  folder = await temporaryFolder('closing')
  issuer = await startTestIssuer(Date.now)
  const path = join(folder.path, 'sidecar.sock')
  const text = benchConfig(issuer.url, { issuer: withIntrospection })
  const config = parseConfig(text.replace('{ tcp:', `{ unix: ${path}, tcp:`), 'closing.yaml')
  sidecar = await startSidecar(config, { logger: pino({ level: 'silent' }), readSecret: () => 'secret' })
  targets = { tcp: { port: Number(new URL(sidecar.address ?? '').port) }, socket: { socketPath: path } }
})

afterEach(async () => {
  agent.destroy()
  await issuer.close()
  await folder.remove()
})

/** Asks about a token that takes the issuer's whole deadline. */
function ask(target: object): Promise<IncomingMessage> {
  const options = { ...target, agent, path: '/v1/forward-auth/main', headers: { authorization: 'Bearer opaque' } }
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      response.resume()
      response.on('end', () => resolve(response))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

async function untilAsked(): Promise<void> {
  while (issuer.calls.introspection === 0) await new Promise((resolve) => setTimeout(resolve, 5))
}

async function msToClose(): Promise<number> {
  const begun = performance.now()
  await sidecar.close()
  return performance.now() - begun
}

describe('closing', () => {
  test.each(['tcp', 'socket'] as const)(
    'finishes what is under way over %s, though its connection would be kept',
    async (kind) => {
      issuer.behave('introspection', 'hang')
      const answer = ask(targets[kind])
      await untilAsked()
      expect(await msToClose()).toBeLessThan(1_500)
      expect((await answer).statusCode).toBe(503)
    },
  )

  test('does not wait for a client that does not finish its request', async () => {
    const slow = connect(targets.tcp)
    const ended = new Promise((resolve) => slow.on('error', resolve).on('close', resolve))
    // A request with a body is under way from its headers on; this one never gets the body.
    const sent =
      'POST /v1/decisions HTTP/1.1\r\nHost: sidecar\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n'
    await new Promise<void>((resolve) => slow.write(sent, () => resolve()))
    // Whatever is asked after it is answered after it arrived.
    expect((await ask(targets.tcp)).statusCode).toBe(401)
    expect(await msToClose()).toBeLessThan(2_800)
    await ended
  })
})
