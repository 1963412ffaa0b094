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

/**
 * On PostgreSQL where it is installed, since that is what production runs on; else on the embedded store.
 * @throws Error where a part does not start; those that did are then stopped
 */
export async function startTargets(): Promise<Targets> {
  const undo: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    return { ...(await startParts(undo)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @param undo gets how to stop each part that was started */
async function startParts(undo: (() => Promise<void>)[]): Promise<Omit<Targets, 'stop'>> {
  const folder = await temporaryFolder('load')
  undo.push(() => folder.remove())
  const postgres = (await postgresBinaries()) ? await startPostgres() : undefined
  if (postgres) {
    undo.push(() => postgres.stop())
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
  undo.push(() => system.stop())

  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const emptyRoute = await startProcess(process.execPath, [join(import.meta.dirname, 'empty-route.ts'), String(port)], {
    ready: answers(url),
  })
  undo.push(() => emptyRoute.stop())
  return {
    store: postgres ? 'PostgreSQL' : 'PGlite',
    emptyRoute: { url, pid: emptyRoute.pid },
    variables: system.variables,
    pids: system.pids,
  }
}
