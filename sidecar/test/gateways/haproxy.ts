import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { haproxyVersion, startHaproxy } from '@postern/tools/servers/haproxy'
import { temporaryFolder } from '@postern/tools/servers/process'
import { examples, filledIn } from './documented.ts'
import type { Gateway, GatewayInput, RunningGateway } from './gateway.ts'

export const haproxy: Gateway = {
  name: 'HAProxy',
  from: 'base64_der',
  version: haproxyVersion,
  start,
}

export const haproxyRfc9440: Gateway = {
  name: 'HAProxy, Client-Cert',
  from: 'rfc9440',
  version: haproxyVersion,
  start: (input) =>
    start(input, (text) =>
      text.replace(/x-client-cert/gi, 'client-cert').replace('%[ssl_c_der,base64]', ':%[ssl_c_der,base64]:'),
    ),
}

/** @param change of the configuration, and of what it loads */
async function start(
  { policy, sidecar, upstream, files }: GatewayInput,
  change: (text: string) => string = (text) => text,
): Promise<RunningGateway> {
  const [configuration = ''] = examples('HAProxy', 'haproxy')
  const [action = ''] = examples('HAProxy', 'lua')
  const folder = await temporaryFolder('haproxy-lua')
  const lua = join(folder.path, 'postern.lua')
  await writeFile(lua, filledIn(change(action), { '127.0.0.1:4100': sidecar.http }))
  const { url, stop } = await startHaproxy((port) =>
    filledIn(change(configuration), {
      '/etc/haproxy/postern.lua': lua,
      'bind :443': `bind 127.0.0.1:${port}`,
      '/etc/haproxy/server.pem': files.both,
      '/etc/haproxy/clients-ca.crt': files.clientsCa,
      'lua.postern orders': `lua.postern ${policy}`,
      '10.0.0.7:8080': upstream,
    }),
  )
  return { url, stop: () => stop().finally(folder.remove) }
}
