/** How connections end when the server closes: answers under way are finished, and nobody keeps it open after them. */
import type { Server } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** Less than the time after which the process ends anyhow. */
const connectionsEndWithinMs = 1_500

/** @param closing aborted before `app.close()` is called */
export function endConnections(app: FastifyInstance, closing: AbortSignal): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    // Else a client would keep the connection, and the server wait for it.
    if (closing.aborted) reply.header('connection', 'close')
    done(null, payload)
  })
  cutConnections(app.server, closing)
}

/** Cuts, after a while, those that never sent a request, and those too slow to finish one. */
export function cutConnections(server: Server, closing: AbortSignal): void {
  const cut = () => server.closeAllConnections()
  closing.addEventListener('abort', () => setTimeout(cut, connectionsEndWithinMs).unref(), { once: true })
}
