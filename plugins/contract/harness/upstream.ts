/** The upstream service behind the gateway: remembers each request to the letter. */
import { createServer } from 'node:http'
import { listen } from './listen.ts'

export interface SeenRequest {
  method: string
  target: string
  /** Name, value, name, value … as received, trailers included. */
  fields: string[]
  body: string
}

export interface TestUpstream {
  readonly url: string
  readonly seen: SeenRequest[]
  close(): Promise<void>
}

/** Answers 200; below `/status/{code}` with that status and with headers like those of a sidecar. */
export async function startUpstream(): Promise<TestUpstream> {
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url: target = '', rawHeaders, rawTrailers } = request
    seen.push({ method, target, fields: [...rawHeaders, ...rawTrailers], body: Buffer.concat(chunks).toString() })
    const status = Number(/^\/status\/(\d{3})/.exec(target)?.[1] ?? 200)
    response
      .writeHead(status, { 'content-type': 'text/plain', 'www-authenticate': 'Upstream realm="its own"' })
      .end(`upstream ${status}`)
  })
  const { url, close } = await listen(server)
  return { url, seen, close }
}

/** The values of a field in a request, under exactly one spelling class: `-`, `_` and `.` count as the same. */
export function valuesOf(request: SeenRequest, name: string): string[] {
  const canonical = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '-')
  return request.fields.filter((_value, index, fields) => {
    return index % 2 === 1 && canonical(fields[index - 1] ?? '') === canonical(name)
  })
}
