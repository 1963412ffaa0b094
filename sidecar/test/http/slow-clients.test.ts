import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { startBench, type TestBench } from '../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

/** Opens a connection, sends the bytes, and tells when it was closed. */
function dawdle(bytes: string): { socket: Socket; closed: Promise<string> } {
  const { hostname, port } = new URL(bench.sidecar.address ?? '')
  const socket = connect(Number(port), hostname, () => socket.write(bytes))
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => undefined)
  return { socket, closed: new Promise((resolve) => socket.on('close', () => resolve(answer))) }
}

test('clients that never finish a request are cut off, and keep nobody waiting meanwhile', async () => {
  bench = await startBench()
  const token = `Bearer ${await bench.issuer.mint()}`
  const unfinished = [
    'GET /v1/forward-auth/main HTTP/1.1\r\nHost: a\r\nAuthoriz',
    'POST /v1/decisions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"policy"',
  ]
  const silent = Array.from({ length: 30 }, () => dawdle(''))
  const dawdling = Array.from({ length: 60 }, (_, index) => dawdle(unfinished[index % 2] ?? ''))
  for (let count = 0; count < 20; count++) expect((await bench.ask(token)).status).toBe(200)
  for (const answer of await Promise.all(dawdling.map(({ closed }) => closed))) expect(answer).not.toContain('allow')
  for (const { socket } of silent) socket.destroy()
}, 30_000)
