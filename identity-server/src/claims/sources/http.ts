import Type from 'typebox'
import { ExpressionError } from '../errors.ts'
import type { SourceKind } from './source.ts'
import { compileUrl } from './url-template.ts'

const defaultTimeoutMs = 2_000
const defaultCacheSeconds = 60

const Configuration = Type.Object(
  {
    url: Type.String({ maxLength: 2_000, description: 'Answers JSON. Path and query may hold CEL: see templates' }),
    timeout_ms: Type.Optional(Type.Integer({ minimum: 50, maximum: 5_000, description: 'Default: 2000' })),
    cache_seconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 3_600, description: 'How long an answer is given again. Default: 60' }),
    ),
  },
  { additionalProperties: false },
)

/** Attributes that a service answers, asked by GET. */
export const httpSource: SourceKind<'http', typeof Configuration> = {
  name: 'http',
  Configuration,
  compile({ url, timeout_ms, cache_seconds }, { cacheKey, askRemote, checkUrl, authorization }) {
    const { origin, expressions, make } = compileUrl(url)
    const problem = checkUrl(origin)
    if (problem !== undefined) throw new ExpressionError('url_not_allowed', `the URL is not allowed: ${problem}`)
    return {
      expressions,
      read: (bindings, budget) =>
        askRemote({
          source: cacheKey,
          url: make(bindings, budget),
          authorization: authorization(origin),
          timeoutMs: timeout_ms ?? defaultTimeoutMs,
          cacheMs: (cache_seconds ?? defaultCacheSeconds) * 1_000,
        }),
    }
  },
}
