/**
 * The one place where failures become HTTP answers: OAuth errors (RFC 6749 section 5.2) at the OAuth endpoints, problem
 * details (RFC 9457) elsewhere. What is not foreseen reveals nothing, and its cause is logged.
 */
import { bearerChallenge } from '@postern/protocol/bearer'
import { OAuthError } from '@postern/protocol/oauth-error'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem, type ProblemCode } from '../admin/problem.ts'
import { ClaimError } from '../claims/errors.ts'
import { OutgoingError } from '../outgoing/error.ts'
import { StoreError, type StoreErrorKind } from '../store/errors.ts'
import type { FormReply, FormRequest } from './form-endpoint.ts'

const retryAfterSeconds = '1'

/** Error handler of the OAuth endpoints. */
export function answerOAuthError(error: unknown, request: FormRequest, reply: FormReply): unknown {
  return answerWithChallenge(error, request, reply, () => 'Basic realm="postern", charset="UTF-8"')
}

/** Error handler of the OAuth endpoints that take bearer tokens (RFC 6750 section 3). */
export function answerBearerError(error: unknown, request: FormRequest, reply: FormReply): unknown {
  return answerWithChallenge(error, request, reply, ({ code, message }) =>
    bearerChallenge({
      realm: 'postern',
      // Who has sent no token has made no mistake yet (section 3.1).
      ...(request.headers.authorization !== undefined && { error: code, description: message }),
    }),
  )
}

function answerWithChallenge(
  error: unknown,
  request: FormRequest,
  reply: FormReply,
  challenge: (answer: OAuthError) => string,
): unknown {
  const answer = toOAuthError(error)
  log(request, answer.status, error)
  // Every 401 carries a challenge (RFC 9110 section 15.5.2), also where no Authorization header was sent.
  if (answer.status === 401) reply.header('www-authenticate', challenge(answer))
  if (answer.status === 503) reply.header('retry-after', retryAfterSeconds)
  return reply
    .code(answer.status)
    .headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(answer.toBody()))
}

/** Error handler of the admin API, and of everything that is no OAuth endpoint. */
export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error)
  log(request, problem.status, error)
  if (problem.status === 503) reply.header('retry-after', retryAfterSeconds)
  return reply
    .code(problem.status)
    .headers({ 'cache-control': 'no-store', ...problem.headers })
    .type('application/problem+json')
    .send(JSON.stringify(problem.toBody()))
}

export function toOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error
  if (error instanceof Problem) return new OAuthError('invalid_request', error.message, { status: error.status })
  if (isTemporary(error)) return new OAuthError('temporarily_unavailable', 'try again later', { cause: error })
  if (error instanceof ClaimError) {
    const code = error.temporary ? 'temporarily_unavailable' : 'server_error'
    return new OAuthError(code, `claim ${error.claim} could not be made`, { cause: error })
  }
  const refused = refusedByFastify(error)
  if (refused) {
    // A body of another type is, to OAuth, a malformed request like any other.
    const status = refused.status === 415 ? 400 : refused.status
    return new OAuthError('invalid_request', refused.detail, { status })
  }
  return new OAuthError('server_error', 'an unexpected error occurred', { cause: error })
}

function isTemporary(error: unknown): boolean {
  return error instanceof OutgoingError
    ? error.isTemporary
    : error instanceof StoreError && error.kind === 'unavailable'
}

const storeProblems: Record<StoreErrorKind, ProblemCode> = {
  conflict: 'conflict',
  unknown_reference: 'unknown_reference',
  in_use: 'in_use',
  invalid_value: 'invalid_request',
  unavailable: 'temporarily_unavailable',
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof StoreError) return new Problem(storeProblems[error.kind])
  const refused = refusedByFastify(error)
  if (refused) return new Problem(refused.code, refused.detail)
  return new Problem('server_error')
}

/** What Fastify refuses before a handler runs: each of its codes with ours. */
const fastifyCodes: Record<string, { code: ProblemCode; status: number; detail: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'body_too_large', status: 413, detail: 'the body is too large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported_media_type', status: 415, detail: 'unsupported content type' },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'invalid_request', status: 400, detail: 'the body is not valid JSON' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'invalid_request', status: 400, detail: 'the body is empty' },
  FST_ERR_BAD_URL: { code: 'invalid_request', status: 400, detail: 'the path is malformed' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'not_found', status: 404, detail: 'there is no such resource' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { code: 'invalid_request', status: 400, detail: 'wrong Content-Length' },
}

function refusedByFastify(error: unknown): { code: ProblemCode; status: number; detail: string } | undefined {
  if (!(error instanceof Error)) return undefined
  if ('validation' in error) return { code: 'invalid_request', status: 400, detail: error.message }
  const known = 'code' in error && typeof error.code === 'string' ? fastifyCodes[error.code] : undefined
  if (known) return known
  // The JSON parser that guards against prototype poisoning throws plain errors with a status.
  const status = 'statusCode' in error ? error.statusCode : undefined
  return status === 400 ? { code: 'invalid_request', status: 400, detail: 'the request is malformed' } : undefined
}

function log(
  request: Pick<FormRequest, 'id' | 'routeOptions' | 'traceId' | 'log'>,
  status: number,
  error: unknown,
): void {
  const origin = { reqId: request.id, route: request.routeOptions.url, trace_id: request.traceId }
  if (status >= 500) request.log.error({ ...origin, err: error }, 'request failed')
  // Of a refusal only the words: what else the error holds may come from the client, and be a secret.
  else request.log.debug({ ...origin, status, reason: reasonOf(error) }, 'request refused')
}

/** For the operator only: why something failed, in our words and those of whoever made us fail. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { message, cause } = error
  // A JSON parser quotes what it could not parse.
  if (!(cause instanceof Error) || cause instanceof SyntaxError) return message
  return `${message}: ${cause.message}`
}
