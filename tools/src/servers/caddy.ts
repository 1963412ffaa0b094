/** Caddy for tests: the system's binary, which keeps nothing outside its temporary folder and serves nothing unasked. */
import { type RunningServer, startConfigured, versionOf } from './configured.ts'

/** The version of the Caddy on the path, or undefined where there is none. */
export function caddyVersion(): Promise<string | undefined> {
  return versionOf('caddy', ['version'], /^v?(\d+\.\d+\.\d+)/)
}

/** No admin API, no other address, and no port 80 to send clients from. */
const global = '{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\tauto_https disable_redirects\n}\n'

/**
 * @param sites a Caddyfile without global options, made for the port to listen on
 * @throws Error with Caddy's own message where it refuses the configuration
 */
export function startCaddy(sites: (port: number) => string): Promise<RunningServer> {
  const caddy = {
    command: 'caddy',
    file: 'Caddyfile',
    args: (file: string) => ['run', '--config', file, '--adapter', 'caddyfile'],
    env: (folder: string) => ({ HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }),
  }
  return startConfigured(caddy, (port) => global + sites(port))
}
