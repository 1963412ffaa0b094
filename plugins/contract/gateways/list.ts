/** The gateways that the cases run against. */
import { envoyGrpcGateway } from './envoy-grpc.ts'
import { envoyHttpGateway } from './envoy-http.ts'
import { fastifyGateway } from './fastify.ts'
import type { Gateway } from './gateway.ts'
import { nginxGateway } from './nginx.ts'

export const gateways: readonly Gateway[] = [fastifyGateway, nginxGateway, envoyGrpcGateway, envoyHttpGateway]
