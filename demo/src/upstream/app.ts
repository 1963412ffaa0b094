/**
 * The demo upstream: a service that trusts nobody. It verifies the token that it receives, which must be one for this
 * service (its own audience, not the caller's), and echoes what arrived.
 */
import { parseBearer } from '@postern/protocol/bearer'
import fastify, { type FastifyInstance, LogController } from 'fastify'
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'

export interface UpstreamOptions {
  issuer: string
  audience: string
}

export function createUpstream({ issuer, audience }: UpstreamOptions): FastifyInstance {
  const app = fastify({
    logger: { level: 'info' },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024,
  })
  const jwks = createRemoteJWKSet(new URL(`${issuer}/jwks`), { timeoutDuration: 2_000 })
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))

  const verify = async (authorization: string | undefined): Promise<JWTPayload | undefined> => {
    const credentials = authorization === undefined ? 'none' : parseBearer(authorization)
    if (typeof credentials === 'string') return undefined
    try {
      const { payload } = await jwtVerify(credentials.token, jwks, {
        issuer,
        audience,
        typ: 'at+jwt',
        algorithms: ['ES256'],
        requiredClaims: ['exp', 'sub', 'client_id'],
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }

  app.get('/healthz', async () => ({ status: 'ok' }))
  app.all('/*', async (request, reply) => {
    const claims = await verify(request.headers.authorization)
    if (!claims) {
      return reply.code(401).header('www-authenticate', 'Bearer realm="upstream"').send({ error: 'invalid_token' })
    }
    return reply.send({
      method: request.method,
      uri: request.url,
      headers: request.headers,
      token: { verified: true, claims },
      body: request.body ?? null,
    })
  })
  return app
}
