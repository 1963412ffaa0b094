/** NGINX for tests: the system's binary. */
import { join } from 'node:path'
import { type RunningServer, startConfigured, versionOf } from './configured.ts'

/** The version of the NGINX on the path, or undefined where there is none. */
export function nginxVersion(): Promise<string | undefined> {
  return versionOf('nginx', ['-v'], /nginx\/(\S+)/)
}

/**
 * @param httpConfig what stands inside `http { }`, made for the port to listen on
 * @throws Error with NGINX's own message where it refuses the configuration
 */
export function startNginx(httpConfig: (port: number) => string): Promise<RunningServer> {
  const nginx = {
    command: 'nginx',
    file: 'nginx.conf',
    args: (file: string, folder: string) => ['-p', folder, '-c', file],
  }
  return startConfigured(nginx, (port, folder) => mainConfig(folder, httpConfig(port)))
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
