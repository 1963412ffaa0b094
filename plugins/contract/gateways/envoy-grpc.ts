/** Envoy with plugins/envoy/envoy-grpc.yaml as it is, but for the addresses and routes that an operator fills in too. */
import { envoyVersion } from '@postern/tools/servers/envoy'
import { startWithFile } from './envoy-file.ts'
import { messagesIn } from './envoy-wire.ts'
import type { Gateway } from './gateway.ts'

export const envoyGrpcGateway: Gateway = {
  name: 'envoy, gRPC',
  asks: 'grpc',
  unavailable: async () => ((await envoyVersion()) === undefined ? 'envoy is not installed' : undefined),
  start: (input) => startWithFile('envoy-grpc.yaml', input, ['context_extensions', 'policy'], (policy) => policy),
  asked: (received) =>
    messagesIn(received).map((message) => {
      // CheckRequest.attributes.request.http: .method and .path
      const at = (...numbers: number[]) => message.text(1, 4, 2, ...numbers)
      return { method: at(2), uri: at(4) }
    }),
}
