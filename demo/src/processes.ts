/** The demo's processes: each service as an operator would run it, its log in a file, none outliving the demo. */
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { answers, type RunningProcess, startProcess } from '@postern/tools/servers/process'

export interface ServiceSpec {
  name: string
  /** The source file to run, from the root of the repository. */
  file: string
  args?: readonly string[]
  environment: Readonly<Record<string, string>>
  /** The address that answers once it is ready. */
  readyUrl: string
}

export interface Processes {
  /** Process ids by the service's name. */
  readonly pids: ReadonlyMap<string, number>
  /** @throws Error with the end of the service's log where it does not get ready */
  start(spec: ServiceSpec): Promise<void>
  /** Stops all, last started first. */
  stop(): Promise<void>
}

const root = join(import.meta.dirname, '..', '..')
/** Enough for a service to finish its requests, and together below the 5 s that ctrl-C may take. */
const graceMs = 3_500

/** @param ended is told when a service ends that nobody stopped */
export function createProcesses(logFolder: string, ended: (name: string, log: string) => void): Processes {
  mkdirSync(logFolder, { recursive: true })
  const running: RunningProcess[] = []
  const pids = new Map<string, number>()
  let stopping = false

  return {
    pids,
    async start({ name, file, args = [], environment, readyUrl }) {
      const log = join(logFolder, `${name}.log`)
      const output = openSync(log, 'w', 0o600)
      try {
        const service = await startProcess(process.execPath, [join(root, file), ...args], {
          cwd: root,
          env: { ...process.env, ...environment },
          // The channel lets a service notice that the demo is gone, however it went.
          stdio: ['ignore', output, output, 'ipc'],
          ready: answers(readyUrl),
          readyWithinMs: 60_000,
        })
        running.push(service)
        pids.set(name, service.pid)
        void service.exited.then(() => {
          if (!stopping) ended(name, log)
        })
      } catch (cause) {
        throw new Error(`${name} did not start:\n${readFileSync(log, 'utf8').slice(-2_000)}`, { cause })
      } finally {
        closeSync(output)
      }
    },
    async stop() {
      stopping = true
      await Promise.all(running.reverse().map((service) => service.stop('SIGTERM', graceMs)))
    },
  }
}
