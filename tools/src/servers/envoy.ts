/**
 * Envoy for tests: the binary that install-servers.mjs brings, or one on the path, in the foreground, in a temporary folder
 * of its own, stopped by its process id.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { accepts, freePort, startProcess, temporaryFolder } from './process.ts'

export interface RunningEnvoy {
  readonly url: string
  /** Envoy's messages so far. */
  log(): string
  stop(): Promise<void>
}

const installed = join(import.meta.dirname, '..', '..', '..', '.postern', 'servers', 'envoy', 'envoy', '_bin', 'envoy')
const binary = existsSync(installed) ? installed : 'envoy'

/** The version of Envoy, or undefined where there is none. */
export async function envoyVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: 20_000 })
    return /\/(\d+\.\d+\.\d+)\//.exec(stdout)?.[1]
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * @param configuration the whole of it as JSON or YAML, made for the port to listen on
 * @throws Error with Envoy's own message where it refuses the configuration
 */
export async function startEnvoy(configuration: (port: number) => string): Promise<RunningEnvoy> {
  const folder = await temporaryFolder('envoy')
  try {
    const port = await freePort()
    const file = join(folder.path, 'envoy.yaml')
    await writeFile(file, configuration(port))
    const options = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning']
    const envoy = await startProcess(binary, ['--config-path', file, ...options], { ready: () => accepts(port) })
    return {
      url: `http://127.0.0.1:${port}`,
      log: () => envoy.output(),
      stop: () => envoy.stop().finally(folder.remove),
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}
