/** What is measured: the system of `npm start` on free ports and in a temporary folder, and an empty route beside it. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { demoSettings } from '@postern/demo/settings'
import { startSystem } from '@postern/demo/system'
import { postgresBinaries, startPostgres } from '@postern/tools/servers/postgres'
import { answers, freePort, startProcess, temporaryFolder } from '@postern/tools/servers/process'

export interface Targets {
  /** Which store the identity server works on. */
  store: string
  emptyRoute: { url: string; pid: number }
  /** The variables of the demo. */
  variables: Readonly<Record<string, string>>
  /** Process ids of the services, by name. */
  pids: ReadonlyMap<string, number>
  stop(): Promise<void>
}

const anyPort = [
  'POSTERN_PORT',
  'POSTERN_OPERATIONS_PORT',
  'SIDECAR_PORT',
  'SIDECAR_ADMIN_PORT',
  'GATEWAY_PORT',
  'UPSTREAM_PORT',
]

/** On PostgreSQL where it is installed, since that is what production runs on; else on the embedded store. */
export async function startTargets(): Promise<Targets> {
  const folder = await temporaryFolder('load')
  const postgres = (await postgresBinaries()) ? await startPostgres() : undefined
  if (postgres) {
    process.env.DATABASE_URL = postgres.url
    process.env.POSTERN_MASTER_KEYS = randomBytes(32).toString('base64url')
  }
  const settings = await demoSettings({
    ...Object.fromEntries(anyPort.map((name) => [name, '0'])),
    POSTERN_DATA_DIR: folder.path,
  })
  const system = await startSystem(settings, {
    report: () => undefined,
    starting: () => undefined,
    ended: (name, log) => console.error(`${name} ended; its log is ${log}`),
  })

  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const emptyRoute = await startProcess(process.execPath, [join(import.meta.dirname, 'empty-route.ts'), String(port)], {
    ready: answers(url),
  })
  return {
    store: postgres ? 'PostgreSQL' : 'PGlite',
    emptyRoute: { url, pid: emptyRoute.pid },
    variables: system.variables,
    pids: system.pids,
    async stop() {
      await Promise.all([emptyRoute.stop(), system.stop()])
      await postgres?.stop()
      await folder.remove()
    },
  }
}
