/** Requests as clients send them, and answers in the parts that tests look at. */
import { connect } from 'node:net'
import { formatBasicCredentials } from '@postern/protocol/basic-credentials'

export interface Answer {
  status: number
  headers: Headers
  text: string
  /** The body as a JSON object; empty where it is none. */
  json: Record<string, unknown>
}

/** What an OAuth endpoint answered: the status, and the error where it is one. */
export function outcome({ status, json }: Answer): [status: number, error: unknown] {
  return [status, json.error]
}

export type Form = Record<string, string> | string

export interface Credentials {
  id: string
  secret: string
}

export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  return toAnswer(await fetch(url, { signal: AbortSignal.timeout(20_000), redirect: 'error', ...init }))
}

export async function toAnswer(response: Pick<Response, 'status' | 'headers' | 'text'>): Promise<Answer> {
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parseObject(text) }
}

/** Sends a form, with Basic authentication where a client is given. */
export function postForm(url: string, form: Form, client?: Credentials, headers: Record<string, string> = {}) {
  return send(url, {
    method: 'POST',
    body: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(client && basic(client)),
      ...headers,
    },
  })
}

export function postJson(url: string, body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) {
  return send(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
    ...(signal && { signal }),
  })
}

/** A request to the admin API; the path begins after `/admin/v1`. */
export function sendAsAdmin(origin: string, token: string, method: string, path: string, body?: unknown) {
  return send(`${origin}/admin/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

export function basic({ id, secret }: Credentials): { authorization: string } {
  return { authorization: formatBasicCredentials(id, secret) }
}

/** Sends bytes as they are, for what no HTTP client would send, and answers with all that comes back. */
export function sendRaw(origin: string, request: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(request))
    let received = ''
    socket.setEncoding('utf8').setTimeout(5_000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (chunk) => {
      received += String(chunk)
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
  } catch {
    // No JSON: tests of such answers look at the text.
    return {}
  }
}
