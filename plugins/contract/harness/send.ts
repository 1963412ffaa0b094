/** A client that writes header fields exactly as told: spelling, order and repetition included. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'

export interface Outgoing {
  method?: string
  /** Request target, sent as it is. */
  target?: string
  /** Name, value pairs. `Host` and `Connection: close` are added. */
  fields?: readonly (readonly [string, string])[]
  body?: string
  /** Sent after the body, which is then chunked. */
  trailers?: Record<string, string>
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
  /** ms until the whole answer was there */
  took: number
}

/** @throws Error where there is no answer within 10 s */
export function send(gatewayUrl: string, outgoing: Outgoing): Promise<Answer> {
  const { method = 'GET', target = '/', fields = [], body, trailers } = outgoing
  const { hostname, port, host } = new URL(gatewayUrl)
  const all = [['Host', host], ...fields]
  if (!all.some(([name]) => name === 'Connection')) all.push(['Connection', 'close'])
  if (trailers !== undefined) all.push(['Transfer-Encoding', 'chunked'], ['Trailer', Object.keys(trailers).join(', ')])
  else if (body !== undefined) all.push(['Content-Length', String(Buffer.byteLength(body))])
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(10_000)
    const request = httpRequest({ hostname, port, method, path: target, headers: all.flat(), agent: false, signal })
    request.on('error', reject).on('response', async (response) => {
      try {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, body: Buffer.concat(chunks).toString(), took: performance.now() - started })
      } catch (error) {
        reject(error)
      }
    })
    if (trailers) request.addTrailers(trailers)
    request.end(body)
  })
}
