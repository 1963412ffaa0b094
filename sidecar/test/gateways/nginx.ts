/** With the files of plugins/nginx. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nginxVersion, startNginx } from '@postern/tools/servers/nginx'
import { examples, filledIn } from './documented.ts'
import type { Gateway } from './gateway.ts'

const plugin = (name: string) => readFileSync(join(import.meta.dirname, '../../../plugins/nginx', name), 'utf8')

export const nginx: Gateway = {
  name: 'NGINX',
  from: 'nginx',
  version: nginxVersion,
  start({ policy, sidecar, upstream, files }) {
    const [server = '', asking = '', passing = ''] = examples('NGINX', 'nginx')
    const anchor = 'proxy_set_header X-Forwarded-Uri'
    return startNginx(
      (port) => `
        ${filledIn(plugin('postern-http.conf'), { '127.0.0.1:4100': sidecar.http })}
        server {
          ${filledIn(server, {
            443: `127.0.0.1:${port}`,
            '/etc/nginx/server.crt': files.cert,
            '/etc/nginx/server.key': files.key,
            '/etc/nginx/clients-ca.crt': files.clientsCa,
          })}
          ${filledIn(plugin('postern-server.conf'), { [anchor]: `${asking}${anchor}` })}
          location / {
            set $postern_policy ${policy};
            set $postern_upstream http://${upstream};
            ${plugin('postern-location.conf')}
            ${passing}
          }
        }`,
    )
  },
}
