import { scaledServer } from '../scale/server.ts'
import type { Scenario } from './scenario.ts'

const server = scaledServer('one-tenant', { authServers: 1, clients: 1 })

/** Token requests of the only client of the only auth server. */
export const oneTenant: Scenario = {
  name: 'one-tenant',
  prepare: (targets) => targets.part(server),
}
