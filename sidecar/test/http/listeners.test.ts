import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type Listener, overTcp } from '../../src/http/listeners.ts'

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
let listener: Listener

afterEach(async () => {
  agent.destroy()
  await listener.close()
})

const sockets = new Set<unknown>()

const listen = (idleMs?: number) =>
  overTcp(
    ({ socket }, response) => {
      sockets.add(socket)
      response.writeHead(200, { 'content-length': 0 }).end()
    },
    () => 0,
    () => false,
    idleMs,
  )('127.0.0.1:0')

const ask = (method: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    const outgoing = request(listener.address, { agent, method }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode))
    })
    outgoing.on('error', reject).end(method === 'POST' ? 'a body that nobody reads' : undefined)
  })

describe('a connection', () => {
  test('serves many requests, with bodies and without', async () => {
    listener = await listen()
    for (const method of ['GET', 'POST', 'GET', 'HEAD', 'POST', 'DELETE']) expect(await ask(method)).toBe(200)
    expect(sockets.size).toBe(1)
  })

  test('that nothing comes through is closed', async () => {
    listener = await listen(200)
    const { hostname, port } = new URL(listener.address)
    const socket = connect(Number(port), hostname)
    const begun = performance.now()
    await new Promise((resolve) => socket.resume().on('close', resolve))
    expect(performance.now() - begun).toBeGreaterThanOrEqual(190)
  })
})
