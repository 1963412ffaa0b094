/** Envoy for tests: the binary that install-servers.mjs brings, or one on the path. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type RunningServer, startConfigured, versionOf } from './configured.ts'

const installed = join(import.meta.dirname, '..', '..', '..', '.postern', 'servers', 'envoy', 'envoy', '_bin', 'envoy')
const command = existsSync(installed) ? installed : 'envoy'

/** The version of Envoy, or undefined where there is none. */
export function envoyVersion(): Promise<string | undefined> {
  return versionOf(command, ['--version'], /\/(\d+\.\d+\.\d+)\//)
}

/**
 * @param configuration the whole of it as JSON or YAML, made for the port to listen on
 * @throws Error with Envoy's own message where it refuses the configuration
 */
export function startEnvoy(configuration: (port: number) => string): Promise<RunningServer> {
  const options = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning']
  const args = (file: string) => ['--config-path', file, ...options]
  return startConfigured({ command, file: 'envoy.yaml', args }, configuration)
}
