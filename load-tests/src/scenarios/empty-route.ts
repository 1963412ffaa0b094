import type { Scenario } from './scenario.ts'

/** A Fastify route that does nothing. */
export const emptyRoute: Scenario = {
  name: 'empty-route',
  baseline: true,
  prepare: async ({ emptyRoute }) => emptyRoute,
}
