/** Sidecars of their own, each a process, with the configuration that a measurement needs. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answers, freePort, startProcess, temporaryFolder } from '@postern/tools/servers/process'
import { stringify } from 'yaml'

export interface RunningSidecar {
  readonly origin: string
  /** The admin port. */
  readonly admin: string
  readonly pid: number
  readonly configFile: string
  stop(): Promise<void>
}

/** As deploy/Dockerfile has it. */
const memory = ['--max-semi-space-size=4', '--heap-growing-percent=20']
const main = join(import.meta.dirname, '..', '..', '..', 'sidecar', 'src', 'main.ts')

/** @param config everything but where it listens. @param listen further places than TCP */
export async function startSidecar(config: object, listen: Record<string, string> = {}): Promise<RunningSidecar> {
  const folder = await temporaryFolder('sidecar')
  const [port, adminPort] = [await freePort(), await freePort()]
  const configFile = join(folder.path, 'sidecar.yaml')
  const admin = `http://127.0.0.1:${adminPort}`
  const where = { listen: { tcp: `127.0.0.1:${port}`, ...listen }, admin: { tcp: `127.0.0.1:${adminPort}` } }
  await writeFile(configFile, stringify({ ...where, ...config }))
  const running = await startProcess(process.execPath, [...memory, main, configFile], {
    ready: answers(`${admin}/readyz`),
    readyWithinMs: 60_000,
  })
  return {
    origin: `http://127.0.0.1:${port}`,
    admin,
    pid: running.pid,
    configFile,
    async stop() {
      await running.stop()
      await folder.remove()
    },
  }
}
