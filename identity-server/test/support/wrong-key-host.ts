/** A host of keys that has none: what may stand behind a `jwks_uri` that is wrong. */
import { createServer } from 'node:http'
import { afterAll, beforeAll } from 'vitest'

const answers: Record<string, [status: number, type: string, body: string]> = {
  '/gone': [404, 'application/json', '{}'],
  '/moved': [302, 'application/json', ''],
  '/page': [200, 'text/html', '<p>'],
  '/text': [200, 'application/json', 'not json'],
  '/other': [200, 'application/json', '{"keys":1}'],
  '/busy': [429, 'application/json', '{}'],
  '/broken': [500, 'application/json', '{}'],
}

/** Paths that somebody has to mend. */
export const wrongForGood = ['/gone', '/moved', '/page', '/text', '/other']
/** Paths that may be right in a moment. */
export const wrongForNow = ['/busy', '/broken']

/** For a describe block. @returns gives the URL of a path */
export function useWrongKeyHost(): (path: string) => string {
  const host = createServer((request, response) => {
    const [status, type, body] = answers[String(request.url)] ?? [400, 'text/plain', '']
    response.writeHead(status, { 'content-type': type, location: 'https://keys.example.test/' }).end(body)
  })
  beforeAll(() => new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve)))
  afterAll(() => {
    host.close()
  })
  return (path) => {
    const address = host.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}${path}`
  }
}
