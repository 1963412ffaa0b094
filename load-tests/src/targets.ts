/** What is measured: the system of `npm start` on free ports and in a temporary folder, and what scenarios add to it. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { demoSettings, freePorts } from '@postern/demo/settings'
import { startSystem } from '@postern/demo/system'
import { type PostgresServer, postgresBinaries, startPostgres } from '@postern/tools/servers/postgres'
import { answers, freePort, startProcess, temporaryFolder } from '@postern/tools/servers/process'

export interface Targets {
  /** Which store the identity server works on. */
  store: string
  /** Where PostgreSQL is installed, its server: parts take databases of their own from it. */
  postgres: PostgresServer | undefined
  emptyRoute: { origin: string; pid: number }
  /** `demo.env`: beside it is the sidecar's configuration. */
  envFile: string
  /** The variables of the demo. */
  variables: Readonly<Record<string, string>>
  /** Process ids of the services, by name. */
  pids: ReadonlyMap<string, number>
  /** A part that only some scenarios need: started when it is first asked for, and stopped with the rest. */
  part<T>(start: Part<T>): Promise<T>
  stop(): Promise<void>
}

/** Starts a part of the whole. `undo` gets how to stop each process that it starts. */
export type Part<T> = (undo: (() => Promise<void>)[], targets: Targets) => Promise<T>

/**
 * On PostgreSQL where it is installed, since that is what production runs on; else on the embedded store.
 * @throws Error where a part does not start; those that did are then stopped
 */
export async function startTargets(): Promise<Targets> {
  const undo: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  const parts = new Map<unknown, unknown>()
  try {
    const targets: Targets = {
      ...(await startSystemAndRoute(undo)),
      stop,
      async part(start) {
        if (!parts.has(start)) parts.set(start, await start(undo, targets))
        // Kept under the function that made it, so it is of that function's type.
        return parts.get(start) as Awaited<ReturnType<typeof start>>
      },
    }
    return targets
  } catch (error) {
    await stop()
    throw error
  }
}

async function startSystemAndRoute(undo: (() => Promise<void>)[]): Promise<Omit<Targets, 'part' | 'stop'>> {
  const folder = await temporaryFolder('load')
  undo.push(() => folder.remove())
  const postgres = (await postgresBinaries()) ? await startPostgres() : undefined
  if (postgres) {
    undo.push(() => postgres.stop())
    process.env.DATABASE_URL = postgres.url
    process.env.POSTERN_MASTER_KEYS = randomBytes(32).toString('base64url')
  }
  const settings = await demoSettings({
    ...freePorts,
    POSTERN_DATA_DIR: folder.path,
  })
  const system = await startSystem(settings, {
    report: () => undefined,
    starting: () => undefined,
    ended: (name, log) => console.error(`${name} ended; its log is ${log}`),
  })
  undo.push(() => system.stop())

  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const emptyRoute = await startProcess(process.execPath, [join(import.meta.dirname, 'empty-route.ts'), String(port)], {
    ready: answers(origin),
  })
  undo.push(() => emptyRoute.stop())
  return {
    store: postgres ? 'PostgreSQL' : 'PGlite',
    postgres,
    emptyRoute: { origin, pid: emptyRoute.pid },
    envFile: system.envFile,
    variables: system.variables,
    pids: system.pids,
  }
}
