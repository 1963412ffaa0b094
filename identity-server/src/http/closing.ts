/** How connections end when the server closes: answers under way are finished, and nobody keeps it open after them. */
import type { FastifyInstance } from 'fastify'

/**
 * @param closing aborted before `app.close()` is called
 * @param withinMs ms after which connections are cut: those that never sent a request, and those too slow to finish one
 */
export function endConnections(app: FastifyInstance, closing: AbortSignal, withinMs: number): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    // Else a client would keep the connection, and the server wait for it.
    if (closing.aborted) reply.header('connection', 'close')
    done(null, payload)
  })
  const cut = () => app.server.closeAllConnections()
  closing.addEventListener('abort', () => setTimeout(cut, withinMs).unref(), { once: true })
}
