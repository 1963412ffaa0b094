/** Envoy with plugins/envoy/envoy-http.yaml as it is, but for the addresses and routes that an operator fills in too. */
import { envoyVersion } from '@postern/tools/servers/envoy'
import { startWithFile } from './envoy-file.ts'
import type { Gateway } from './gateway.ts'

export const envoyHttpGateway: Gateway = {
  name: 'envoy, HTTP',
  asks: 'http',
  unavailable: async () => ((await envoyVersion()) === undefined ? 'envoy is not installed' : undefined),
  start: (input) =>
    startWithFile('envoy-http.yaml', input, ['http_service', 'path_prefix'], (policy) => `/v1/ext-authz/${policy}`),
  asked: (received) =>
    [...received.matchAll(/^([A-Z]+) \/v1\/ext-authz\/[^/]*(\/.*) HTTP\/1\.1\r$/gm)].map(
      ([, method = '', uri = '']) => ({
        method,
        uri,
      }),
    ),
}
