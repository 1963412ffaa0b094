import { connect, type Socket } from 'node:net'
import autocannon from 'autocannon'
import { forwardAuth, knownFigure } from '../sidecars/known.ts'

const seconds = 5
const connections = 64

/**
 * Latency of cached decisions while requests come at half of the rate that the sidecar can answer: the 99th percentile, from
 * the moment at which each was due, so that none is forgotten that had to wait for its turn.
 */
export const halfLoadLatency = knownFigure(
  { name: 'p99-at-half-load', unit: 'ms', atMost: 1 },
  async ({ issuer, sidecar }) => {
    const asked = forwardAuth(issuer.mint())
    const { '2xx': answered, duration } = await autocannon({
      url: sidecar.origin,
      requests: [asked],
      connections: 32,
      duration: seconds,
    })
    const { method, path, headers } = asked
    const head = `${method} ${path} HTTP/1.1\r\nhost: sidecar\r\nauthorization: ${headers.authorization}\r\n\r\n`
    const times = await sendAtRate(sidecar.origin, Buffer.from(head), answered / duration / 2)
    return times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN
  },
)

/**
 * Over sockets by hand: a client of Node's would need more time for a request than the sidecar does.
 * @returns ms of each request
 */
async function sendAtRate(origin: string, bytes: Buffer, perSecond: number): Promise<number[]> {
  const { hostname, port } = new URL(origin)
  const idle: Socket[] = []
  const times: number[] = []
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(hostname, Number(port))))
  const due = new Map<Socket, number>()
  for (const socket of sockets) {
    idle.push(socket)
    socket.on('data', (answer: Buffer) => {
      // An answer that lets a request through has no body.
      if (!answer.subarray(0, 12).equals(ok)) throw new Error(answer.toString('latin1').slice(0, 100))
      times.push(performance.now() - (due.get(socket) ?? Number.NaN))
      idle.push(socket)
    })
  }
  const total = Math.floor(perSecond * seconds)
  const begun = performance.now()
  for (let sent = 0; sent < total || idle.length < connections; ) {
    const next = begun + (sent * 1_000) / perSecond
    const socket = sent < total && next <= performance.now() ? idle.pop() : undefined
    if (!socket) {
      await new Promise((resolve) => setImmediate(resolve))
      continue
    }
    due.set(socket, next)
    socket.write(bytes)
    sent += 1
  }
  for (const socket of sockets) socket.destroy()
  return times
}

const ok = Buffer.from('HTTP/1.1 200')

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket))
    socket.on('error', reject)
  })
}
