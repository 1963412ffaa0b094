/**
 * `POST` and `DELETE /v1/upstream-tokens/{upstream}` (protocol/src/upstream-token.ts): a token for those who need no decision,
 * and another one after the upstream refused it. Whoever reaches the sidecar gets credentials here, so an upstream has to
 * allow it, and browsers are turned away whatever page they show.
 */
import { normalizeHttpUri } from '@postern/protocol/dpop'
import {
  type UpstreamTokenAnswer,
  UpstreamTokenPurge,
  type UpstreamTokenPurged,
  UpstreamTokenQuery,
} from '@postern/protocol/upstream-token'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Compile } from 'typebox/compile'
import { unavailable } from '../decider/refusals.ts'
import { DependencyError, Refusal } from '../failures.ts'
import { sha256 } from '../remote/sha256.ts'
import type { CheckCaller } from '../steps/caller-revocation.ts'
import type { RevocationState } from '../steps/revocation.ts'
import { type UpstreamStep, unverifiedCaller } from '../steps/upstream-token.ts'
import { isFromBrowser } from './browser.ts'
import { pathParameter } from './path-parameter.ts'

export interface UpstreamTokensOptions {
  upstreamOf(name: string): UpstreamStep | undefined
  /** Whether the token of a caller was revoked. @throws Refusal where that could not be told of it */
  checkCaller: CheckCaller
  /** Runs what must not lose, to another configuration, what it is done with. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** ms since the epoch */
  now: () => number
  /** Told why there is no token. */
  onUnavailable(upstream: string, error: DependencyError): void
}

const path = '/v1/upstream-tokens/:upstream'
const statuses = { invalid_request: 400, access_denied: 403, unknown_upstream: 404 } as const
const query = Compile(UpstreamTokenQuery)
const purge = Compile(UpstreamTokenPurge)

export function upstreamTokens(app: FastifyInstance, options: UpstreamTokensOptions): void {
  const { during, onUnavailable } = options

  const excuse = (reply: FastifyReply, name: string, error: unknown) => {
    if (error instanceof Refusal) return refuse(reply, 'invalid_request')
    if (!(error instanceof DependencyError)) throw error
    onUnavailable(name, error)
    return reply.code(unavailable.status).headers(unavailable.headers).send(unavailable.body)
  }

  app.post(path, async (request, reply) => {
    const upstream = options.upstreamOf(pathParameter(request, 'upstream'))
    const body: unknown = request.body
    if (isFromBrowser(request)) return refuse(reply, 'access_denied')
    if (!upstream) return refuse(reply, 'unknown_upstream')
    if (!upstream.handedOut) return refuse(reply, 'access_denied')
    if (!query.Check(body)) return refuse(reply, 'invalid_request')
    try {
      const token = await during(() => tokenFor(upstream, body, options))
      return reply.header('cache-control', 'no-store').send(token)
    } catch (error) {
      return excuse(reply, pathParameter(request, 'upstream'), error)
    }
  })

  app.delete(path, async (request, reply) => {
    const upstream = options.upstreamOf(pathParameter(request, 'upstream'))
    const body: unknown = request.body
    if (isFromBrowser(request)) return refuse(reply, 'access_denied')
    if (!upstream) return refuse(reply, 'unknown_upstream')
    if (!purge.Check(body)) return refuse(reply, 'invalid_request')
    const refused = 'token' in body ? sha256(body.token) : body.token_sha256
    return { outcome: upstream.purge(refused) } satisfies UpstreamTokenPurged
  })
}

/** @throws Refusal, DependencyError */
async function tokenFor(
  { tokensOf }: UpstreamStep,
  { caller_token: callerToken, request }: UpstreamTokenQuery,
  { checkCaller, now }: Pick<UpstreamTokensOptions, 'checkCaller' | 'now'>,
): Promise<UpstreamTokenAnswer> {
  const source = tokensOf(callerToken === undefined ? undefined : unverifiedCaller(callerToken, now()))
  if (!source) throw new Refusal('invalid_request', 'the token stands for a caller')
  const { accessToken, scheme, boundTo, expiresAt } = await source.get()
  // Not before: waiting takes time.
  if (callerToken !== undefined) refuseRevoked(checkCaller(callerToken))
  if (boundTo && !isProvable(request)) throw new Refusal('invalid_request', 'a proof is for one request')
  return {
    access_token: accessToken,
    token_type: scheme,
    // From now: it may have been waited for.
    expires_in: Math.max(0, Math.floor((expiresAt - now()) / 1_000)),
    ...(boundTo && request && { dpop: await boundTo.prove({ ...request, accessToken }) }),
  }
}

/** The issuer judges callers when it exchanges their tokens, and revokes some of them afterwards. */
function refuseRevoked(state: RevocationState): void {
  if (state === 'revoked') throw new Refusal('invalid_request', 'the token of the caller was revoked')
  if (state === 'unknown') throw new DependencyError('revocation feed', 'revocations are not known')
}

function isProvable(request: UpstreamTokenQuery['request']): boolean {
  return request !== undefined && normalizeHttpUri(request.uri) !== undefined
}

function refuse(reply: FastifyReply, error: keyof typeof statuses): FastifyReply {
  return reply.code(statuses[error]).send({ error })
}
