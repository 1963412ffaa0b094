/** A way for gateways to ask. A transport only translates: requests to the decision contract, decisions to answers. */
import type { FastifyInstance } from 'fastify'
import type { Decider } from '../decider/decider.ts'

export type Transport = (app: FastifyInstance, decider: Decider) => void
