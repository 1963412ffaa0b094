/** Fastify with our plugin in front of @fastify/reply-from. */
import replyFrom from '@fastify/reply-from'
import postern from '@postern/fastify'
import fastify from 'fastify'
import Type from 'typebox'
import Value from 'typebox/value'
import type { Gateway } from './gateway.ts'

export const fastifyGateway: Gateway = {
  name: 'fastify',
  asks: 'http',
  unavailable: async () => undefined,
  async start({ sidecar, upstreamUrl, routes }) {
    const app = fastify({ forceCloseConnections: true })
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    const [{ policy } = { policy: '' }] = routes.filter(({ prefix }) => prefix === '/')
    await app.register(postern, { sidecar, policy })
    // Each request must reach the upstream once, whatever it answers.
    await app.register(replyFrom, { base: upstreamUrl, disableRequestLogging: true, retryMethods: [] })
    for (const route of routes) {
      const config = { postern: { policy: route.policy } }
      app.all(`${route.prefix}*`, { config }, (request, reply) => reply.from(request.url))
    }
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    return { url, stop: () => app.close() }
  },
  asked: (received) =>
    [...received.matchAll(/"request":(\{"method":"[^"]*","uri":"(?:[^"\\]|\\.)*"),"headers"/g)].map(([, start]) =>
      Value.Parse(Asked, JSON.parse(`${start}}`)),
    ),
}

const Asked = Type.Object({ method: Type.String(), uri: Type.String() })
