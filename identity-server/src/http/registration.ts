/** The client registration endpoint (RFC 7591 section 3) and the client configuration endpoint (RFC 7592 section 2). */
import { isUtf8 } from 'node:buffer'
import { parseIJson } from '@postern/protocol/i-json'
import { OAuthError } from '@postern/protocol/oauth-error'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { Problem } from '../admin/problem.ts'
import type { EventRecorder } from '../events/recorder.ts'
import type { ManageClient } from '../registration/manage.ts'
import type { RegisterClient } from '../registration/register.ts'
import { takesRegistrations } from '../tenancy/registration-policy.ts'
import { findIssuer, type IssuerLookups, refuseQuery, refuseRepeatedAuthorization } from './caller.ts'
import { reasonOf, toOAuthError } from './errors.ts'

export interface RegistrationEndpoint {
  lookups: IssuerLookups
  registerClient: RegisterClient
  manageClient: ManageClient
  events: Pick<EventRecorder, 'record'>
}

const Params = Type.Object({ client: Type.String() })
/** Keys in a set in the metadata, with lists in them, need five. */
const maxDepth = 6

export function registrationEndpoint(app: FastifyInstance, options: RegistrationEndpoint): void {
  const { lookups, registerClient, manageClient, events } = options
  readJsonStrictly(app)

  app.post('/:auth_server/register', async (request, reply) => {
    const asked = await readRequest(lookups, request)
    const information = await registerClient({ ...asked, body: request.body }).catch((error: unknown) => {
      const { code } = toOAuthError(error)
      events.record(asked.authServer.id, { type: 'registration.refused', error: code, reason: reasonOf(error) })
      throw error
    })
    return unstored(reply).code(201).send(information)
  })

  const path = '/:auth_server/register/:client'
  app.get(path, async (request, reply) => unstored(reply).send(await manageClient.read(await readManagement(request))))
  app.put(path, async (request, reply) => {
    const asked = await readManagement(request)
    return unstored(reply).send(await manageClient.update({ ...asked, body: request.body }))
  })
  app.delete(path, async (request, reply) => {
    await manageClient.remove(await readManagement(request))
    return unstored(reply).code(204).send()
  })

  async function readManagement(request: FastifyRequest) {
    const { client } = Value.Parse(Params, request.params)
    return { ...(await readRequest(lookups, request)), client }
  }
}

/** @throws Problem `not_found` where nobody registers here; OAuthError */
async function readRequest(lookups: IssuerLookups, request: FastifyRequest) {
  const { authServer } = await findIssuer(lookups, request)
  const { registration: policy } = authServer.settings
  if (!policy || !takesRegistrations(authServer.settings)) throw new Problem('not_found')
  refuseQuery(request)
  refuseRepeatedAuthorization(request)
  return { authServer, policy, authorization: request.headers.authorization }
}

/** The answers hold secrets. */
function unstored(reply: FastifyReply): FastifyReply {
  return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
}

function readJsonStrictly(app: FastifyInstance): void {
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const value = isUtf8(bytes) ? parseIJson(bytes.toString(), maxDepth) : undefined
    if (value === undefined) done(new OAuthError('invalid_request', 'the body is not unambiguous JSON'))
    else done(null, value)
  })
}
