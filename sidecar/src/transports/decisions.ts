/** `POST /v1/decisions`: a request in, a decision out, as JSON (protocol/src/decision.ts). */
import { DecisionQuery } from '@postern/protocol/decision'
import { Compile } from 'typebox/compile'
import type { Transport } from './transport.ts'

const query = Compile(DecisionQuery)

export const decisions: Transport = (app, decider) => {
  app.post('/v1/decisions', async (request, reply) => {
    const body: unknown = request.body
    if (!query.Check(body)) return reply.code(400).send({ error: 'invalid_request' })
    return reply.send(await decider.decide(body.policy, body.request))
  })
}
