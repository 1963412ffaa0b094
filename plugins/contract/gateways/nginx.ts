/** NGINX with the files of plugins/nginx as they are, but for the addresses and names that an operator fills in too. */
import { readFile } from 'node:fs/promises'
import { nginxVersion, startNginx } from '@postern/tools/servers/nginx'
import type { Gateway, GatewayInput } from './gateway.ts'

/** The identity headers that postern-location.conf lists; an operator adds lines for others. */
const listedHeaders = ['x-postern-client-id', 'x-postern-subject', 'x-postern-scope']

export const nginxGateway: Gateway = {
  name: 'nginx',
  asks: 'http',
  unavailable: async () => ((await nginxVersion()) === undefined ? 'nginx is not installed' : undefined),
  async start(input) {
    const [http, server, location] = await Promise.all(['http', 'server', 'location'].map(snippet))
    const { url, stop } = await startNginx(
      (port) => `
${replaced(http ?? '', 'server 127.0.0.1:4100', `server ${sidecarAddress(input.sidecar)}`)}
upstream service { server ${new URL(input.upstreamUrl).host}; }
server {
  listen 127.0.0.1:${port};
  ${server}
  ${input.routes.map((route) => protectedLocation(route, location ?? '', input.identityHeaders)).join('\n')}
}`,
    )
    return { url, stop }
  },
  asked(received) {
    const methods = values(received, 'X-Forwarded-Method')
    return values(received, 'X-Forwarded-Uri').map((uri, index) => ({ method: methods[index] ?? '', uri }))
  },
}

function snippet(name: string): Promise<string> {
  return readFile(new URL(`../../nginx/postern-${name}.conf`, import.meta.url), 'utf8')
}

function protectedLocation(
  { prefix, policy }: GatewayInput['routes'][number],
  location: string,
  identityHeaders: readonly string[],
): string {
  const added = identityHeaders.filter((name) => !listedHeaders.includes(name))
  return `location ${prefix} {
  set $postern_policy ${policy};
  set $postern_upstream http://service;
  ${location}
  ${added.map(identityHeader).join('\n')}
}`
}

function identityHeader(name: string): string {
  const variable = name.replaceAll('-', '_')
  return `auth_request_set $${variable} $upstream_http_${variable};\nproxy_set_header ${name} $${variable};`
}

function sidecarAddress(sidecar: GatewayInput['sidecar']): string {
  return 'url' in sidecar ? new URL(sidecar.url).host : `unix:${sidecar.socketPath}`
}

function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`plugins/nginx no longer says "${from}"`)
  return text.replace(from, to)
}

function values(received: string, name: string): string[] {
  return [...received.matchAll(new RegExp(`^${name}: (.*)\\r$`, 'gim'))].map(([, value = '']) => value)
}
