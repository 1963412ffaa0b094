import Type from 'typebox'
import { Address, object } from './parts.ts'

export const Listen = Type.Object(
  {
    tcp: Type.Optional(Type.String({ ...Address, description: 'Loopback address and port; port 0 picks a free one' })),
    shared: Type.Optional(
      Type.Boolean({
        description: 'Whether further processes listen on the TCP address: the kernel spreads connections over them',
      }),
    ),
    grpc: Type.Optional(Type.String({ ...Address, description: 'The same, for ext_authz of Envoy over gRPC' })),
    unix: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Path of a unix socket' })),
    grpc_unix: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'The same, for ext_authz' })),
  },
  { additionalProperties: false, minProperties: 1, description: 'Where gateways reach the sidecar' },
)

export const Admin = object({ tcp: Address }, 'Where /healthz, /readyz and /metrics are')
