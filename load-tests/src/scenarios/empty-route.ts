import type { Scenario } from './scenario.ts'

/** A Fastify route that does nothing. */
export const emptyRoute: Scenario = {
  name: 'empty-route',
  prepare: async ({ emptyRoute: { origin, pid } }) => ({ origin, pid, request: { method: 'GET', path: '/' } }),
}
