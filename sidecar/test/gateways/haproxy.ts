import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { haproxyVersion, startHaproxy } from '@postern/tools/servers/haproxy'
import { temporaryFolder } from '@postern/tools/servers/process'
import { examples, filledIn } from './documented.ts'
import type { Gateway } from './gateway.ts'

export const haproxy: Gateway = {
  name: 'HAProxy',
  from: 'base64_der',
  version: haproxyVersion,
  async start({ policy, sidecar, upstream, files }) {
    const [configuration = ''] = examples('HAProxy', 'haproxy')
    const [action = ''] = examples('HAProxy', 'lua')
    const folder = await temporaryFolder('haproxy-lua')
    const lua = join(folder.path, 'postern.lua')
    await writeFile(lua, filledIn(action, { '127.0.0.1:4100': sidecar.http }))
    const { url, stop } = await startHaproxy((port) =>
      filledIn(configuration, {
        '/etc/haproxy/postern.lua': lua,
        'bind :443': `bind 127.0.0.1:${port}`,
        '/etc/haproxy/server.pem': files.both,
        '/etc/haproxy/clients-ca.crt': files.clientsCa,
        'lua.postern orders': `lua.postern ${policy}`,
        '10.0.0.7:8080': upstream,
      }),
    )
    return { url, stop: () => stop().finally(folder.remove) }
  },
}
