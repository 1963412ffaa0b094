import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import type { Allow } from '@postern/protocol/decision'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHeaderSections, type HeaderSections } from '../../src/transports/header-sections.ts'

const allowing = (set_headers: Record<string, string>): Allow => ({
  decision: 'allow',
  set_headers,
  remove_headers: ['x-subject'],
  expires_at: 0,
})
const fieldsOf = ({ set_headers, remove_headers }: Allow) => [
  ...Object.entries(set_headers).flat(),
  'x-remove',
  remove_headers.join(', '),
  'content-length',
  '0',
]

const keepAlive = 'GET / HTTP/1.1\r\nHost: sidecar\r\n\r\n'
const ending = [
  'GET / HTTP/1.1\r\nHost: sidecar\r\nConnection: close\r\n\r\n',
  'GET / HTTP/1.0\r\nHost: sidecar\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
]
/** Until the second of an answer is over, an answer that Node.js writes itself has the same date. */
const date = /\r\nDate: [A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT\r\n/

let sections: HeaderSections
let server: Server
let queue: Allow[]
/** Of each answer, whether it was sent past `writeHead`. */
let rendered: boolean[]
let time: number

beforeEach(async () => {
  time = Date.UTC(2026, 10, 26, 8, 30, 15)
  sections = createHeaderSections(fieldsOf, () => time)
  queue = []
  rendered = []
  server = createServer({ keepAliveTimeout: 0, optimizeEmptyRequests: true }, (request, response) => {
    const allow = queue.shift() ?? expect.fail('asked once too often')
    try {
      const sent = request.url !== '/node' && sections.send(response, allow)
      rendered.push(sent)
      if (!sent) response.writeHead(200, fieldsOf(allow)).end()
    } catch {
      response.writeHead(503, { 'content-length': 0 }).end()
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

/** The answers on one connection, as bytes, until all came or it was closed. */
async function answers(requests: string[], decisions: Allow[], inOnePiece = false): Promise<string[]> {
  queue.push(...decisions)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const socket = connect(address.port, '127.0.0.1').setEncoding('latin1')
  const found: string[] = []
  const waiting = inOnePiece ? [requests.join('')] : [...requests]
  socket.write(waiting.shift() ?? '')
  let text = ''
  for await (const part of socket) {
    text += part
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      found.push(text.slice(0, end + 4))
      text = text.slice(end + 4)
      const request = waiting.shift()
      if (request !== undefined) socket.write(request)
    }
    if (found.length === requests.length) break
  }
  return found
}

const withoutDate = (answer: string) => answer.replace(date, '\r\n')

describe('header sections', () => {
  test.each(['GET', 'HEAD', 'POST'])('are byte for byte what Node.js sends itself: %s', async (method) => {
    const allow = allowing({ 'x-subject': 'jérôme', 'x-scope': 'a b', authorization: `Bearer ${'x'.repeat(400)}` })
    const body = method === 'POST' ? 'Content-Length: 2\r\n\r\n{}' : '\r\n'
    const [byNode, request] = ['/node', '/'].map((path) => `${method} ${path} HTTP/1.1\r\nHost: sidecar\r\n${body}`)
    const requests = [byNode, request, request, request].map(String)
    const [first = '', ...others] = await answers(requests, Array(4).fill(allow))
    expect(first).toContain('x-subject: jérôme\r\n')
    expect(first).toMatch(date)
    for (const other of others) {
      expect(withoutDate(other)).toBe(withoutDate(first))
      expect(other).toContain('\r\nDate: Thu, 26 Nov 2026 08:30:15 GMT\r\n')
    }
    expect(rendered).toEqual([false, true, true, true])
  })

  test('keep their order on a connection', async () => {
    const [a, b] = [allowing({ 'x-subject': 'a' }), allowing({ 'x-subject': 'b' })]
    const decisions = [a, b, b, a, a, b]
    const found = await answers(Array(6).fill(keepAlive), decisions, true)
    expect(found.map((answer) => /x-subject: (\w)/.exec(answer)?.[1])).toEqual(['a', 'b', 'b', 'a', 'a', 'b'])
    expect(rendered).toEqual(Array(6).fill(true))
  })

  test('tell the time of each answer', async () => {
    const allow = allowing({})
    await answers([keepAlive, keepAlive], [allow, allow])
    time += 1_000
    const [answer] = await answers([keepAlive], [allow])
    expect(answer).toContain('08:30:16 GMT')
  })

  test.each(ending)('are left to Node.js where the connection is to end: %j', async (request) => {
    const allow = allowing({ 'x-subject': 'a' })
    await answers([keepAlive, keepAlive], [allow, allow])
    // Asked for one more, it sees the end of the connection.
    const found = await answers([request, keepAlive], [allow])
    expect(found).toHaveLength(1)
    expect(found[0]).toContain('Connection: close\r\n')
    expect(rendered).toEqual([true, true, false])
  })

  test('a decision made from another one is answered with its own fields', async () => {
    const first = allowing({ 'x-subject': 'a' })
    await answers([keepAlive, keepAlive], [first, first])
    const made = [
      { ...first, set_headers: { 'x-subject': 'b' } },
      { ...first, remove_headers: ['x-subject', 'cookie'] },
      { ...first, expires_at: 1 },
    ]
    const found = await answers(Array(7).fill(keepAlive), [...made, ...made, first])
    expect(found.map((answer) => /x-subject: (\w)/.exec(answer)?.[1])).toEqual(['b', 'a', 'a', 'b', 'a', 'a', 'a'])
    expect(found.map((answer) => answer.includes('cookie'))).toEqual([false, true, false, false, true, false, false])
  })

  test.each([
    { 'x-subject': 'a\r\nx-admin: 1' },
    { 'x-subject': 'a\0' },
    { 'x-subject': '☃' },
    { 'x-subject: 1\r\nx-admin': '1' },
  ])('have no characters that must not be sent: %j', async (fields) => {
    const allow = allowing(fields)
    const found = await answers([keepAlive, keepAlive], [allow, allow])
    expect(found.map((answer) => answer.split(' ')[1])).toEqual(['503', '503'])
  })

  test('are kept from the second time on, bounded in number and size', async () => {
    let made: string[] = []
    sections = createHeaderSections(
      (allow) => {
        made.push(allow.set_headers['x-subject'] ?? '')
        return fieldsOf(allow)
      },
      () => time,
    )
    const many = Array.from({ length: 4_097 }, (_, index) => allowing({ 'x-subject': `${index}` }))
    const long = allowing({ 'x-subject': 'x'.repeat(5_000) })
    const madeFor = async (decisions: (Allow | undefined)[]) => {
      made = []
      const all = decisions.filter((allow) => allow !== undefined)
      await answers(Array(all.length).fill(keepAlive), all, true)
      return made.map((subject) => subject.slice(0, 4))
    }
    const all = [...many, long]
    expect(await madeFor(all)).toHaveLength(all.length)
    expect(await madeFor(all)).toHaveLength(all.length)
    // The first was displaced by the last, and displaces the second when it is made again.
    expect(await madeFor([many[4_096], many[2], many[0], long, long])).toEqual(['0', 'xxxx', 'xxxx'])
    expect(await madeFor([many[0], many[1], many[3]])).toEqual(['1'])
  })
})
