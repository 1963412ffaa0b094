import { scaledServer } from '../scale/server.ts'
import { oneTenant } from './one-tenant.ts'
import type { Scenario } from './scenario.ts'

const server = scaledServer('ten-thousand-tenants', { authServers: 10_000, clients: 100_000 })

/** Token requests of 100,000 clients at random, of 10,000 auth servers: what each costs must not grow with them. */
export const tenThousandTenants: Scenario = {
  name: 'ten-thousand-tenants',
  against: oneTenant,
  bar: 0.9,
  prepare: (targets) => targets.part(server),
}
