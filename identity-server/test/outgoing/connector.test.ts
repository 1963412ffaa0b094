import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGuardedConnector } from '../../src/outgoing/connector.ts'
import type { OutgoingRules } from '../../src/outgoing/url.ts'

let port: string
let connections = 0
const server = createServer((socket) => {
  connections += 1
  socket.resume()
})

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = String(typeof address === 'object' ? address?.port : address)
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

function connect(rules: OutgoingRules, protocol: string, hostname: string, addresses: string[]): Promise<Socket> {
  const connector = createGuardedConnector(rules, async () => addresses, undefined)
  return new Promise((resolve, reject) =>
    connector({ protocol, hostname, host: hostname, port }, (error, socket) =>
      socket ? resolve(socket) : reject(error),
    ),
  )
}

/** The last line of defence: what a URL's check has let through does not reach a forbidden address. */
describe('server-side request forgery: a connection', () => {
  const cases: [protocol: string, hostname: string, addresses: string[], allowPrivate: boolean][] = [
    ['https:', '127.0.0.1', [], false],
    ['https:', '::ffff:127.0.0.1', [], false],
    ['https:', '::ffff:127.0.0.1', [], true],
    ['https:', '169.254.169.254', [], true],
    ['https:', 'keys.example', ['127.0.0.1'], false],
    ['https:', 'keys.example', ['::ffff:127.0.0.1'], true],
    ['http:', '127.0.0.1', [], false],
    ['http:', '10.0.0.1', [], true],
    ['http:', 'keys.example', ['10.0.0.1'], true],
    ['http:', 'keys.example', ['1.1.1.1'], true],
    ['http:', 'keys.example', ['127.0.0.1', '1.1.1.1'], true],
  ]
  test.each(cases)(
    '%s//%s %j is not made (private allowed: %s)',
    async (protocol, hostname, addresses, allowPrivate) => {
      const attempt = connect({ allowPrivate }, protocol, hostname, addresses)
      await expect(attempt).rejects.toMatchObject({ reason: 'forbidden_address' })
      expect(connections).toBe(0)
    },
  )

  test('to this machine is made where that is allowed', async () => {
    for (const [hostname, addresses] of [
      ['127.0.0.1', []],
      ['keys.example', ['127.0.0.1']],
    ] as const) {
      const socket = await connect({ allowPrivate: true }, 'http:', hostname, [...addresses])
      expect(socket.remoteAddress).toBe('127.0.0.1')
      socket.destroy()
    }
  })
})
