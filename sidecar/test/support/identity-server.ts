/** The real identity server as a process of its own, with a port for client certificates and an auth server to try things at. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createCertificateAuthority } from '@postern/tools/certificates'
import { answers, freePort, startProcess, temporaryFolder } from '@postern/tools/servers/process'

export interface IdentityServer {
  readonly issuer: string
  /** A folder for files of the test. */
  readonly folder: string
  /** Who vouches for the server and for clients, as PEM. */
  readonly authority: Awaited<ReturnType<typeof createCertificateAuthority>>
  /** Asks the admin API about the auth server. @throws Error where it refuses */
  admin(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Record<string, unknown>>
  /** Writes a file for the sidecar to read. @returns its path */
  file(name: string, content: string): Promise<string>
  close(): Promise<void>
}

const root = join(import.meta.dirname, '..', '..', '..')
const authServer = 'acme'

export async function startIdentityServer(): Promise<IdentityServer> {
  const folder = await temporaryFolder('identity-server')
  const authority = await createCertificateAuthority()
  const [port, operations, mtls] = [await freePort(), await freePort(), await freePort()]
  const origin = `http://127.0.0.1:${port}`
  const file = async (name: string, content: string) => {
    const path = join(folder.path, name)
    await writeFile(path, content)
    return path
  }
  const own = await authority.issue({ subject: '/CN=localhost', subjectAltName: 'DNS:localhost' })
  const running = await startProcess(process.execPath, [join(root, 'identity-server/src/main.ts')], {
    cwd: root,
    env: {
      ...process.env,
      POSTERN_DATA_DIR: folder.path,
      POSTERN_PORT: String(port),
      POSTERN_OPERATIONS_PORT: String(operations),
      POSTERN_PUBLIC_ORIGIN: origin,
      POSTERN_MTLS_PORT: String(mtls),
      POSTERN_MTLS_PUBLIC_ORIGIN: `https://localhost:${mtls}`,
      POSTERN_TLS_CERT_FILE: await file('server.crt', own.cert),
      POSTERN_TLS_KEY_FILE: await file('server.key', own.key),
      POSTERN_MTLS_CLIENT_CA_FILE: await file('clients.crt', authority.cert),
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    ready: answers(`http://127.0.0.1:${operations}/readyz`),
    readyWithinMs: 60_000,
  })

  const credentials = Object.fromEntries(
    (await readFile(join(folder.path, 'admin-client.env'), 'utf8'))
      .split('\n')
      .map((line) => line.replace(/['"]/g, '').split('=')),
  )
  const ask = async (method: string, path: string, body?: object) => {
    const basic = btoa(`${credentials.POSTERN_ADMIN_CLIENT_ID}:${credentials.POSTERN_ADMIN_CLIENT_SECRET}`)
    const form = new URLSearchParams({ grant_type: 'client_credentials' })
    const granted = await fetch(`${origin}/system/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: form,
    })
    const { access_token } = (await granted.json()) as { access_token: string }
    const answer = await fetch(`${origin}/admin/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${access_token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${text}`)
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  }
  const organization = await ask('POST', '/organizations', { name: 'Acme' })
  const audience = 'https://orders.example'
  await ask('POST', '/auth-servers', { id: authServer, organization_id: organization.id, name: 'Acme', audience })

  return {
    issuer: `${origin}/${authServer}`,
    folder: folder.path,
    authority,
    admin: (method, path, body) => ask(method, `/auth-servers/${authServer}${path}`, body),
    file,
    async close() {
      await running.stop()
      await authority.remove()
      await folder.remove()
    },
  }
}
