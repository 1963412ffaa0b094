/** A way for gateways to ask. A transport only translates: requests to the decision contract, decisions to answers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Decider } from '../decider/decider.ts'

export type Transport = (app: FastifyInstance, decider: Decider) => void

/**
 * One past Fastify, for what is asked by the thousand.
 * @returns false where the request is none of its own; else it answers, and a promise settles once it has
 */
export type DirectTransport = (
  request: IncomingMessage,
  response: ServerResponse,
  decider: Decider,
) => boolean | Promise<void>
