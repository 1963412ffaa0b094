import { connect, type Socket } from 'node:net'
import autocannon from 'autocannon'
import { median } from '../report.ts'
import { forwardAuth, knownFigure } from '../sidecars/known.ts'
import type { Figure } from './figure.ts'

const seconds = 5
/** ms: what stops this whole machine for a moment then spoils few of the spans. */
const spanMs = 250
const connections = 64

/** Of cached decisions. */
export const halfLoadLatency = knownFigure({ name: 'p99-at-half-load', unit: 'ms', atMost: 1 }, ({ issuer, sidecar }) =>
  latencyAtHalfLoad(sidecar.origin, forwardAuth(issuer.mint())),
)

/** The same of a route that does nothing: what it takes is the machine's, and the load generator's. */
export const halfLoadLatencyOfEmptyRoute: Figure = {
  name: 'p99-of-empty-route',
  unit: 'ms',
  measure: ({ emptyRoute }) => latencyAtHalfLoad(emptyRoute.origin, { method: 'GET', path: '/', headers: {} }),
}

/**
 * Latency while requests come at half of the rate that the server can answer, from the moment at which each was due, so
 * that none is forgotten that had to wait for its turn: the 99th percentile of each span, their median.
 */
async function latencyAtHalfLoad(origin: string, asked: Asked): Promise<number> {
  const { '2xx': answered, duration } = await autocannon({
    url: origin,
    requests: [asked],
    connections: 32,
    duration: seconds,
  })
  const { method, path, headers } = asked
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${lines.join('')}\r\n`
  const times = await sendAtRate(origin, Buffer.from(head), answered / duration / 2)
  return median([...spansOf(times)].map(p99)) ?? Number.NaN
}

interface Asked {
  method: 'GET'
  path: string
  headers: Readonly<Record<string, string>>
}

interface Timed {
  due: number
  ms: number
}

function spansOf(times: readonly Timed[]): Iterable<Timed[]> {
  return Map.groupBy(times, ({ due }) => Math.floor(due / spanMs)).values()
}

function p99(times: readonly Timed[]): number {
  const sorted = times.map(({ ms }) => ms).toSorted((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN
}

/**
 * Over sockets by hand: a client of Node's would need more time for a request than the sidecar does.
 * @returns of each request, when it was due and how long it took, in ms
 */
async function sendAtRate(origin: string, bytes: Buffer, perSecond: number): Promise<Timed[]> {
  const { hostname, port } = new URL(origin)
  const idle: Socket[] = []
  const times: Timed[] = []
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(hostname, Number(port))))
  const due = new Map<Socket, number>()
  for (const socket of sockets) {
    idle.push(socket)
    socket.on('data', (answer: Buffer) => {
      // Neither has a body, so an answer comes in one piece.
      if (!answer.subarray(0, 12).equals(ok)) throw new Error(answer.toString('latin1').slice(0, 100))
      const at = due.get(socket) ?? Number.NaN
      times.push({ due: at, ms: performance.now() - at })
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
