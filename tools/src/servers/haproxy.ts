/** HAProxy for tests: the system's binary. */
import { type RunningServer, startConfigured, versionOf } from './configured.ts'

/** The version of the HAProxy on the path, or undefined where there is none. */
export function haproxyVersion(): Promise<string | undefined> {
  return versionOf('haproxy', ['-v'], /version (\d+\.\d+\.\d+)/)
}

/**
 * @param configuration the whole of it, made for the port to listen on
 * @throws Error with HAProxy's own message where it refuses the configuration
 */
export function startHaproxy(configuration: (port: number) => string): Promise<RunningServer> {
  return startConfigured(
    { command: 'haproxy', file: 'haproxy.cfg', args: (file) => ['-db', '-f', file] },
    configuration,
  )
}
