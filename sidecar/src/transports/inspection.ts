/**
 * What tokens are, for plugins that decide the rest themselves: `POST /v1/introspect/{policy}`, an introspection endpoint
 * (RFC 7662) that answers from the sidecar's caches and verifies JWTs on the spot; and `POST /v1/validate`
 * (protocol/src/token-validation.ts). Whoever shows a token is told its claims, so a policy has to allow it, may ask for
 * credentials, and browsers are turned away whatever page they show.
 */
import { parseBasicCredentials } from '@postern/protocol/basic-credentials'
import { type TokenValidation, TokenValidationQuery } from '@postern/protocol/token-validation'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Compile } from 'typebox/compile'
import type { Inspect, Inspection } from '../decider/inspect.ts'
import { unavailable } from '../decider/refusals.ts'
import { DependencyError } from '../failures.ts'
import { isFromBrowser } from './browser.ts'
import { pathParameter } from './path-parameter.ts'

export interface Credentials {
  clientId: string
  clientSecret: string
}

export interface Inspector {
  inspect: Inspect
  /** Whether it may ask; undefined where whoever reaches the sidecar may. */
  admits: ((credentials: Credentials) => boolean) | undefined
  /** Longest time for which an answer may be relied on, in ms. */
  maxAgeMs: number
}

export interface InspectionOptions {
  inspectorOf(policy: string): Inspector | undefined
  /** Runs what must not lose, to another configuration, what it is done with. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** ms since the epoch */
  now: () => number
  /** Told why nothing was known about a token. */
  onUnavailable(policy: string, error: DependencyError): void
}

interface Question {
  policy: string
  token: string | undefined
  credentials: Credentials | undefined
  render(inspection: Inspection, maxAgeMs: number, now: number): object
}

const form = 'application/x-www-form-urlencoded'
const query = Compile(TokenValidationQuery)

export function inspection(app: FastifyInstance, options: InspectionOptions): void {
  // Apart from the others: only here is a form a body.
  app.register(async (scope) => {
    scope.addContentTypeParser(form, { parseAs: 'string' }, (_request, body, done) => done(null, body))
    scope.post('/v1/introspect/:policy', async (request, reply) => {
      const { body } = request
      const parameters = new URLSearchParams(typeof body === 'string' ? body : '')
      return respond(request, reply, {
        policy: pathParameter(request, 'policy'),
        token: onlyOne(parameters.getAll('token')),
        credentials: credentialsOf(request, parameters),
        render: introspectionResponse,
      })
    })
    scope.post('/v1/validate', async (request, reply) => {
      const { body } = request
      if (!query.Check(body)) return refuse(reply, 400, 'invalid_request')
      const { policy, token } = body
      const credentials = credentialsOf(request, new URLSearchParams())
      return respond(request, reply, { policy, token, credentials, render: validation })
    })
  })

  const respond = async (request: FastifyRequest, reply: FastifyReply, question: Question): Promise<FastifyReply> => {
    const { policy, token, credentials, render } = question
    const inspector = options.inspectorOf(policy)
    reply.header('cache-control', 'no-store')
    if (isFromBrowser(request)) return refuse(reply, 403, 'access_denied')
    if (!inspector) return refuse(reply, 404, 'unknown_policy')
    const { inspect, maxAgeMs } = inspector
    if (!isAdmitted(inspector, credentials)) {
      return refuse(reply.header('www-authenticate', `Basic realm="${policy}"`), 401, 'invalid_client')
    }
    if (!token) return refuse(reply, 400, 'invalid_request')
    try {
      return reply.send(render(await options.during(() => inspect(token)), maxAgeMs, options.now()))
    } catch (error) {
      if (!(error instanceof DependencyError)) throw error
      options.onUnavailable(policy, error)
      return reply.code(unavailable.status).headers(unavailable.headers).send(unavailable.body)
    }
  }
}

/** RFC 7662 section 2.2: why a token is not active is nobody's business. */
function introspectionResponse(inspected: Inspection): object {
  if ('refusal' in inspected) return { active: false }
  const { claims, holdsUntil } = inspected.identity
  // Who asks may remember it until its expiry, so one is told.
  return { exp: Math.ceil(holdsUntil / 1_000), ...claims, active: true }
}

function validation(inspected: Inspection, maxAgeMs: number, now: number): TokenValidation {
  if ('refusal' in inspected) {
    const { code, message } = inspected.refusal
    return { valid: false, error: code, error_description: message }
  }
  const { issuer, claims, expiresAt, holdsUntil } = inspected.identity
  if (Object.hasOwn(claims, 'cnf')) {
    const description = 'the token is bound to a key: whether its bearer holds it shows in the request alone'
    return { valid: false, error: 'invalid_token', error_description: description }
  }
  return { valid: true, issuer, claims, expires_at: Math.min(expiresAt, holdsUntil, now + maxAgeMs) / 1_000 }
}

function onlyOne(values: readonly string[]): string | undefined {
  return values.length === 1 ? values[0] : undefined
}

function isAdmitted({ admits }: Inspector, credentials: Credentials | undefined): boolean {
  return !admits || (credentials !== undefined && admits(credentials))
}

/** `client_secret_basic` or `client_secret_post` (RFC 6749 section 2.3.1). */
function credentialsOf(
  { headers: { authorization } }: FastifyRequest,
  parameters: URLSearchParams,
): Credentials | undefined {
  if (authorization !== undefined) {
    const basic = parseBasicCredentials(authorization)
    return typeof basic === 'object' ? basic : undefined
  }
  const [clientId, clientSecret] = [parameters.get('client_id'), parameters.get('client_secret')]
  return clientId === null || clientSecret === null ? undefined : { clientId, clientSecret }
}

function refuse(reply: FastifyReply, status: number, error: string): FastifyReply {
  return reply.code(status).send({ error })
}
