/**
 * NGINX for tests: the system's binary in the foreground, in a temporary folder of its own, stopped by its process id.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { accepts, freePort, type RunningProcess, startProcess, temporaryFolder } from './process.ts'

export interface RunningNginx {
  readonly url: string
  /** NGINX's messages so far. */
  log(): string
  stop(): Promise<void>
}

/** The version of the NGINX on the path, or undefined where there is none. */
export async function nginxVersion(): Promise<string | undefined> {
  try {
    const { stderr } = await promisify(execFile)('nginx', ['-v'], { timeout: 5_000 })
    return /nginx\/(\S+)/.exec(stderr)?.[1]
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * @param httpConfig what stands inside `http { }`, made for the port to listen on
 * @throws Error with NGINX's own message where it refuses the configuration
 */
export async function startNginx(httpConfig: (port: number) => string): Promise<RunningNginx> {
  const folder = await temporaryFolder('nginx')
  try {
    const port = await freePort()
    const file = join(folder.path, 'nginx.conf')
    await writeFile(file, mainConfig(folder.path, httpConfig(port)))
    const nginx = await startProcess('nginx', ['-p', folder.path, '-c', file], { ready: () => accepts(port) })
    return {
      url: `http://127.0.0.1:${port}`,
      log: () => nginx.output(),
      stop: () => stop(nginx).finally(folder.remove),
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

/** SIGQUIT would wait for clients that keep their connections. */
async function stop(nginx: RunningProcess): Promise<void> {
  await nginx.stop('SIGTERM')
}

function mainConfig(folder: string, http: string): string {
  const temporaryPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join('\n')
  return `daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
error_log stderr notice;
events { worker_connections 512; }
http {
access_log off;
${temporaryPaths}
${http}
}
`
}
