/** The revocation feed's endpoint: polling for Security Event Tokens over HTTP (RFC 8936 section 2). */
import { OAuthError } from '@postern/protocol/oauth-error'
import { PollRequest } from '@postern/protocol/security-event'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Compile } from 'typebox/compile'
import { emptyForm } from '../form.ts'
import { pollRevocations } from '../revocations/feed.ts'
import type { RevocationLog } from '../revocations/log.ts'
import { authenticateByForm, findIssuer, type IssuerLookups } from './caller.ts'

export interface EventsEndpoint {
  lookups: IssuerLookups
  revocations: RevocationLog
  /** ms that a poll without news is held open. */
  longPollingMs: number
  /** Ends the waiting of all polls, when the server closes. */
  closing: AbortSignal
}

const pollRequest = Compile(PollRequest)
/** Polls that may wait at once: each holds a connection. */
const maxWaiting = 10_000

export function eventsEndpoint(app: FastifyInstance, options: EventsEndpoint): void {
  const { lookups, revocations, longPollingMs, closing } = options
  let waiting = 0

  app.post('/:auth_server/events/poll', async (request, reply) => {
    const issuer = await findIssuer(lookups, request)
    const { client, isPublic } = await authenticateByForm(lookups, issuer, request, emptyForm)
    if (isPublic || !client.mayIntrospect) throw new OAuthError('unauthorized_client', 'the client may not read events')
    const poll: unknown = request.body
    if (!pollRequest.Check(poll)) throw new OAuthError('invalid_request', 'the poll request is malformed')
    if (waiting >= maxWaiting) throw new OAuthError('temporarily_unavailable', 'too many polls are waiting')

    waiting += 1
    const wait = new AbortController()
    const end = () => wait.abort()
    const timer = setTimeout(end, longPollingMs)
    request.raw.socket.once('close', end)
    closing.addEventListener('abort', end, { once: true })
    if (closing.aborted) end()
    try {
      const reader = { ...issuer, clientId: client.id }
      return await reply
        .header('cache-control', 'no-store')
        .send(await pollRevocations(revocations, reader, poll, wait.signal))
    } finally {
      waiting -= 1
      clearTimeout(timer)
      forget(request, closing, end)
    }
  })
}

function forget(request: FastifyRequest, closing: AbortSignal, end: () => void): void {
  request.raw.socket.removeListener('close', end)
  closing.removeEventListener('abort', end)
}
