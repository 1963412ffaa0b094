/** The measure of all: a Fastify route that does nothing, as a process of its own. */
import fastify from 'fastify'

const app = fastify()
app.all('/', (_request, reply) => reply.send())
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) })
