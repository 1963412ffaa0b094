import { caddy } from './caddy.ts'
import { envoyGrpc, envoyHttp } from './envoy.ts'
import type { Gateway } from './gateway.ts'
import { haproxy } from './haproxy.ts'
import { nginx } from './nginx.ts'

export const gateways: readonly Gateway[] = [nginx, haproxy, caddy, envoyGrpc, envoyHttp]
