/**
 * What a policy tells anybody: the metadata of its resource (RFC 9728 section 3) and the keys of its identity tokens.
 * Gateways lead the resource's `/.well-known/oauth-protected-resource` here, without authentication.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { pathParameter } from './path-parameter.ts'

export interface PublishedDocuments {
  resourceMetadata: { document: object } | undefined
  jwks: (() => object) | undefined
}

/** Seconds: a new key is used at once, so nobody should keep the old set for long. */
const maxAge = 60

export function publish(app: FastifyInstance, documentsOf: (policy: string) => PublishedDocuments | undefined): void {
  const route = (path: string, select: (documents: PublishedDocuments) => object | undefined, type: string) =>
    app.get(`${path}/:policy`, (request, reply) => {
      const documents = documentsOf(pathParameter(request, 'policy'))
      return answer(reply, documents && select(documents), type)
    })
  route('/v1/resource-metadata', ({ resourceMetadata }) => resourceMetadata?.document, 'application/json')
  route('/v1/identity-keys', ({ jwks }) => jwks?.(), 'application/jwk-set+json')
}

function answer(reply: FastifyReply, document: object | undefined, type: string): FastifyReply {
  if (!document) return reply.code(404).send({ error: 'not_found' })
  return reply
    .headers({ 'cache-control': `public, max-age=${maxAge}`, 'access-control-allow-origin': '*' })
    .type(type)
    .send(JSON.stringify(document))
}
