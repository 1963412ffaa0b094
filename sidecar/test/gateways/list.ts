import { caddy } from './caddy.ts'
import { envoyGrpc, envoyHttp } from './envoy.ts'
import type { Gateway } from './gateway.ts'
import { haproxy, haproxyRfc9440 } from './haproxy.ts'
import { nginx } from './nginx.ts'

export const gateways: readonly Gateway[] = [nginx, haproxy, haproxyRfc9440, caddy, envoyGrpc, envoyHttp]
