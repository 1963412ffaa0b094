/** The revocation feed's endpoint: polling for Security Event Tokens over HTTP (RFC 8936 section 2). */
import { OAuthError } from '@postern/protocol/oauth-error'
import { PollRequest } from '@postern/protocol/security-event'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Compile } from 'typebox/compile'
import type { Client } from '../clients/clients.ts'
import { emptyForm } from '../form.ts'
import type { RevocationFeed } from '../revocations/feed.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import { authenticateByForm, findIssuer, type Issuer, type IssuerLookups } from './caller.ts'
import { createPlaces } from './places.ts'

export interface EventsEndpoint {
  lookups: IssuerLookups
  clients: CachedLookup<Client>
  feed: RevocationFeed
  /** ms that a poll without news is held open. */
  longPollingMs: number
  /** Ends the waiting of all polls, when the server closes. */
  closing: AbortSignal
}

const pollRequest = Compile(PollRequest)
/** Polls that may wait at once: each holds a connection. */
const waiting = { inAll: 10_000, ofAuthServer: 5_000, ofClient: 2_500 }

export function eventsEndpoint(app: FastifyInstance, options: EventsEndpoint): void {
  const { lookups, clients, feed, longPollingMs, closing } = options
  const places = createPlaces(waiting)

  app.post('/:auth_server/events/poll', async (request, reply) => {
    const { authServer, client } = await authenticateReader(lookups, request)
    const poll: unknown = request.body
    if (!pollRequest.Check(poll)) throw new OAuthError('invalid_request', 'the poll request is malformed')
    const leave = places.take(authServer.id, client.id)
    if (!leave) throw new OAuthError('temporarily_unavailable', 'too many polls are waiting')

    // Asked again after each wait: a poll that is held open must not outlive the right to read.
    const admit = async () => {
      const issuer = await findIssuer(lookups, request)
      requireReader(await clients.get(authServer.id, client.id))
      return issuer
    }
    const wait = endOfWait(request, longPollingMs, closing)
    try {
      return await reply.header('cache-control', 'no-store').send(await feed.poll(poll, admit, wait.signal))
    } finally {
      wait.forget()
      leave()
    }
  })
}

async function authenticateReader(
  lookups: IssuerLookups,
  request: FastifyRequest,
): Promise<Issuer & { client: Client }> {
  const issuer = await findIssuer(lookups, request)
  const { client, isPublic } = await authenticateByForm(lookups, issuer, request, emptyForm)
  requireReader(isPublic ? undefined : client)
  return { ...issuer, client }
}

function requireReader(client: Client | undefined): void {
  if (!client?.enabled || !client.mayIntrospect) {
    throw new OAuthError('unauthorized_client', 'the client may not read events')
  }
}

/** Ends after the time, when the reader goes away, and when the server closes. */
function endOfWait(request: FastifyRequest, ms: number, closing: AbortSignal) {
  const wait = new AbortController()
  const end = () => wait.abort()
  const timer = setTimeout(end, ms)
  request.raw.socket.once('close', end)
  closing.addEventListener('abort', end, { once: true })
  if (closing.aborted) end()
  return {
    signal: wait.signal,
    forget() {
      clearTimeout(timer)
      request.raw.socket.removeListener('close', end)
      closing.removeEventListener('abort', end)
    },
  }
}
