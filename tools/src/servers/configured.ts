/** Servers that are told everything in one file: in the foreground, in a temporary folder of their own, on a free port. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { accepts, freePort, startProcess, temporaryFolder } from './process.ts'

export interface RunningServer {
  readonly url: string
  /** Its messages so far. */
  log(): string
  /** By its process id. */
  stop(): Promise<void>
}

export interface ConfiguredServer {
  command: string
  /** The name of its file. */
  file: string
  /** @param file the path of its file, in a folder that is removed when it stops */
  args(file: string, folder: string): readonly string[]
  env?: (folder: string) => Record<string, string>
}

/**
 * @param configuration the content of its file, made for the port to listen on
 * @throws Error with the server's own message where it refuses the configuration
 */
export async function startConfigured(
  { command, file: name, args, env }: ConfiguredServer,
  configuration: (port: number, folder: string) => string,
): Promise<RunningServer> {
  const folder = await temporaryFolder(command.replace(/^.*\//, ''))
  try {
    const port = await freePort()
    const file = join(folder.path, name)
    await writeFile(file, configuration(port, folder.path))
    const server = await startProcess(command, args(file, folder.path), {
      ...(env && { env: { ...process.env, ...env(folder.path) } }),
      ready: () => accepts(port),
    })
    return {
      url: `http://127.0.0.1:${port}`,
      log: () => server.output(),
      stop: () => server.stop().finally(folder.remove),
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

/**
 * What a program says its version is, or undefined where there is no such program.
 * @param pattern whose first group is the version
 */
export async function versionOf(
  command: string,
  args: readonly string[],
  pattern: RegExp,
): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { timeout: 20_000 })
    return pattern.exec(stdout + stderr)?.[1]
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
