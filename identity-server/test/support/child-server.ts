/** The server as a process of its own: what only a real end of the process can show. */
import { fileURLToPath } from 'node:url'
import { answers, freePort, type RunningProcess, startProcess } from '@postern/tools/servers/process'
import type { StoreVariables } from './databases.ts'
import { type Credentials, postForm, sendAsAdmin } from './http.ts'
import type { TestServer } from './server.ts'

export const childAdmin: Credentials = { id: 'first', secret: 'a-secret-of-the-first-client-of-this-test' }

export interface ChildServer {
  readonly origin: string
  readonly process: RunningProcess
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export async function startChildServer(
  variables: StoreVariables & Record<string, string>,
  origin?: string,
): Promise<ChildServer> {
  const port = origin ? Number(new URL(origin).port) : await freePort()
  const operations = await freePort()
  const child = await startProcess(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      POSTERN_PORT: String(port),
      POSTERN_OPERATIONS_PORT: String(operations),
      POSTERN_ADMIN_CLIENT_ID: childAdmin.id,
      POSTERN_ADMIN_CLIENT_SECRET: childAdmin.secret,
      ...variables,
    },
    ready: answers(`http://127.0.0.1:${operations}/readyz`),
  })
  return { origin: `http://127.0.0.1:${port}`, process: child }
}

/** The admin API of such a server, for as long as one access token lasts. */
export async function adminAt(origin: string): Promise<Pick<TestServer, 'admin' | 'now'>> {
  const { json } = await postForm(`${origin}/system/token`, { grant_type: 'client_credentials' }, childAdmin)
  const token = String(json.access_token)
  return { admin: (method, path, body) => sendAsAdmin(origin, token, method, path, body), now: Date.now }
}
