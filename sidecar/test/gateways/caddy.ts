import { caddyVersion, startCaddy } from '@postern/tools/servers/caddy'
import { examples, filledIn } from './documented.ts'
import type { Gateway } from './gateway.ts'

export const caddy: Gateway = {
  name: 'Caddy',
  from: 'base64_der',
  version: caddyVersion,
  start({ policy, sidecar, upstream, files }) {
    const [site = ''] = examples('Caddy', 'caddyfile')
    return startCaddy((port) =>
      filledIn(site, {
        'https://api.example.com': `https://localhost:${port}`,
        '/etc/caddy/server.crt': files.cert,
        '/etc/caddy/server.key': files.key,
        '/etc/caddy/clients-ca.crt': files.clientsCa,
        '127.0.0.1:4100': sidecar.http,
        'forward-auth/orders': `forward-auth/${policy}`,
        '10.0.0.7:8080': upstream,
      }),
    )
  },
}
