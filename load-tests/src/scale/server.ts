/** Identity servers of their own, on databases of their own, with few tenants or with many. */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { generateClientSecret } from '@postern/identity-server/clients/secret'
import { createMasterKeys, generateMasterKey } from '@postern/identity-server/keys/master-keys'
import { answers, freePort, startProcess, temporaryFolder } from '@postern/tools/servers/process'
import autocannon from 'autocannon'
import { formRequest } from '../form.ts'
import type { Attack, Request } from '../scenarios/scenario.ts'
import type { Part } from '../targets.ts'
import { clientNumber, type Scale, scaleScope, seedTenants } from './seed.ts'

const root = join(import.meta.dirname, '..', '..', '..')

/** A server with so many tenants, each of its clients known to it from a first token request. */
export function scaledServer(name: string, scale: Scale): Part<Attack> {
  return async (undo, { postgres }) => {
    if (!postgres) throw new Error('many tenants are seeded into PostgreSQL, which is not installed')
    const folder = await temporaryFolder(name)
    undo.push(() => folder.remove())
    await mkdir(folder.path, { recursive: true })
    const masterKey = generateMasterKey()
    const url = await postgres.createDatabase(name.replaceAll('-', '_'))
    const port = await freePort()
    const operations = await freePort()
    const running = await startProcess(process.execPath, [join(root, 'identity-server', 'src', 'main.ts')], {
      cwd: folder.path,
      env: {
        ...process.env,
        DATABASE_URL: url,
        POSTERN_MASTER_KEYS: masterKey,
        POSTERN_DATA_DIR: folder.path,
        POSTERN_ADMIN_CLIENT_SECRET: randomBytes(32).toString('base64url'),
        POSTERN_PORT: String(port),
        POSTERN_OPERATIONS_PORT: String(operations),
      },
      ready: answers(`http://127.0.0.1:${operations}/readyz`),
      readyWithinMs: 60_000,
    })
    undo.push(() => running.stop())

    const secret = generateClientSecret()
    await seedTenants(url, createMasterKeys([masterKey]), scale, secret)
    const requestOf = (index: number): Request => {
      const { authServer, id } = clientNumber(index, scale)
      const parameters = { grant_type: 'client_credentials', scope: scaleScope }
      return formRequest(`/${authServer}/token`, { id, secret }, parameters)
    }
    const attack = {
      origin: `http://127.0.0.1:${port}`,
      request: () => requestOf(Math.floor(Math.random() * scale.clients)),
      pid: running.pid,
    }
    await askEach(attack.origin, scale.clients, requestOf)
    return attack
  }
}

/** Each client once. @throws Error where one is refused */
async function askEach(origin: string, count: number, requestOf: (index: number) => Request): Promise<void> {
  let next = 0
  const requests = [{ setupRequest: () => requestOf(next++ % count) }]
  const connections = Math.min(32, count)
  const result = await autocannon({ url: origin, requests, connections, amount: count, timeout: 60 })
  if (result['2xx'] < count) throw new Error(`${count - result['2xx']} of ${count} clients were refused`)
}
