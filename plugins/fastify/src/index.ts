/**
 * The Fastify plugin: asks the sidecar about each request of its scope before anything else is done with it, and
 * either changes the request's headers as the decision says or answers in its place. README.md holds the contract.
 */
import type { Allow } from '@postern/protocol/decision'
import { createSidecarClient, type SidecarClientOptions } from '@postern/sdk/sidecar'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { isPosternHeader, rewriteHeaders, spellingsToRemove } from './headers.ts'
import { policyOf, type RouteOption } from './policy.ts'
import { toQuery } from './query.ts'
import { refuse, refuseTarget, refuseUnasked } from './refuse.ts'
import { isUnambiguous } from './target.ts'

export interface PosternOptions {
  /** Where the sidecar listens (`url` or `socketPath`), the deadline of a call (`timeoutMs`) and further bounds. */
  sidecar: SidecarClientOptions
  /** The sidecar's policy for every route of the scope that names no other. */
  policy: string
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The decision that let the request through; null on a route that opted out. */
    postern: Allow | null
  }
  interface FastifyContextConfig {
    /** The policy of this route, or false to leave it unprotected. */
    postern?: RouteOption
  }
}

async function postern(app: FastifyInstance, options: PosternOptions): Promise<void> {
  if (typeof options.policy !== 'string' || options.policy === '') throw new TypeError('policy must name a policy')
  const sidecar = createSidecarClient(options.sidecar)
  app.addHook('onClose', () => sidecar.close())
  app.decorateRequest('postern', null)
  // A misspelt option of a route is found at start instead of with its first request.
  app.addHook('onRoute', (route) => void policyOf(route.config?.postern, options.policy))

  /** Returns once the request may pass; after a refusal Fastify goes no further. */
  const decide = async (request: FastifyRequest, reply: FastifyReply) => {
    const policy = policyOf(request.routeOptions.config.postern, options.policy)
    if (policy === undefined) return rewriteHeaders(request, isPosternHeader, {})
    if (!isUnambiguous(request.originalUrl)) return refuseTarget(reply)
    const decision = await sidecar.decide(toQuery(policy, request))
    if (decision.decision !== 'allow') return refuse(reply, decision)
    rewriteHeaders(request, spellingsToRemove(decision), decision.set_headers)
    request.postern = decision
  }

  app.addHook('onRequest', async (request, reply) => {
    try {
      await decide(request, reply)
    } catch (error) {
      refuseUnasked(reply, error)
    }
    // Tells Fastify that an answer is under way; undefined lets it go on.
    return reply.sent ? reply : undefined
  })
}

export default fastifyPlugin(postern, { fastify: '5.x', name: '@postern/fastify' })
