/** With the files of plugins/envoy: over gRPC, where Envoy tells the certificate itself, and over HTTP, in a header. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { envoyVersion, startEnvoy } from '@postern/tools/servers/envoy'
import { parse, parseDocument } from 'yaml'
import { examples, filledIn } from './documented.ts'
import type { Gateway, GatewayInput } from './gateway.ts'

type YamlDocument = ReturnType<typeof parseDocument>

const listener = ['static_resources', 'listeners', 0]
const chain = [...listener, 'filter_chains', 0]
const manager = [...chain, 'filters', 0, 'typed_config']
const [tls = '', details = ''] = examples('Envoy', 'yaml')

export const envoyGrpc: Gateway = {
  name: 'Envoy, gRPC',
  from: 'gateway',
  version: envoyVersion,
  start: (input) => {
    const asks = {
      '127.0.0.1, port_value: 4102': address(input.sidecar.grpc),
      'policy: orders': `policy: ${input.policy}`,
    }
    return start('envoy-grpc.yaml', input, asks)
  },
}

export const envoyHttp: Gateway = {
  name: 'Envoy, HTTP',
  from: 'envoy_xfcc',
  version: envoyVersion,
  start: (input) => {
    const asks = {
      '127.0.0.1, port_value: 4100': address(input.sidecar.http),
      'ext-authz/orders': `ext-authz/${input.policy}`,
    }
    return start('envoy-http.yaml', input, asks, details)
  },
}

/** @param inManager further members of the http_connection_manager */
function start(
  file: string,
  { upstream, files }: GatewayInput,
  asks: Readonly<Record<string, string>>,
  inManager = '{}',
) {
  const text = readFileSync(join(import.meta.dirname, '../../../plugins/envoy', file), 'utf8')
  return startEnvoy((port) => {
    const document = parseDocument(
      filledIn(text, {
        ...asks,
        '0.0.0.0, port_value: 8080': address(`127.0.0.1:${port}`),
        '10.0.0.7, port_value: 8080': address(upstream),
      }),
    )
    const socket = filledIn(tls, {
      '/etc/envoy/server.crt': files.cert,
      '/etc/envoy/server.key': files.key,
      '/etc/envoy/clients-ca.crt': files.clientsCa,
    })
    merge(document, chain, socket)
    merge(document, manager, inManager)
    return document.toString()
  })
}

/** Members of an example, in the place that the text before it names. */
function merge(document: YamlDocument, path: readonly (string | number)[], example: string): void {
  for (const [name, value] of Object.entries(parse(example))) document.setIn([...path, name], value)
}

function address(hostAndPort: string): string {
  return hostAndPort.replace(':', ', port_value: ')
}
