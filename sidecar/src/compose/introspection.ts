/** Introspection at an issuer, from its configuration: what is remembered of its answers outlives changes elsewhere. */
import type { CacheConfig } from '../config/schema/cache.ts'
import type { IntrospectionConfig } from '../config/schema/introspection.ts'
import type { IssuerConfig } from '../config/schema/issuer.ts'
import { createHedge } from '../remote/calls/hedge.ts'
import {
  type AnswersOptions,
  createIntrospectionAnswers,
  type IntrospectionAnswers,
  SharedAnswer,
} from '../remote/introspection/answers.ts'
import { type Ask, createAsk } from '../remote/introspection/question.ts'
import { createReadSigned } from '../remote/introspection/signed-answer.ts'
import { createVerifyIssuerJwt } from '../remote/jwt/issuer-jwt.ts'
import type { Jwks } from '../remote/jwt/jwks.ts'
import type { FindEndpoint } from '../remote/metadata.ts'
import { createSecondLevel } from '../remote/redis/second-level.ts'
import { createIntrospectToken, type TokenIntrospection } from '../steps/introspect-token.ts'
import { composeClient } from './client.ts'
import { endpoint } from './endpoint.ts'
import type { Toolkit } from './toolkit.ts'

/** What is known of the issuer besides, and how long anything is kept. */
interface Surroundings {
  metadata: FindEndpoint
  keys: Jwks
  cache: CacheConfig
}

/** @returns undefined where the issuer has none */
export function composeIntrospection(
  name: string,
  issuerConfig: IssuerConfig,
  surroundings: Surroundings,
  { keep, timerOf, now }: Toolkit,
): TokenIntrospection | undefined {
  const { issuer, algorithms, audience, introspection: config, revocation_feed } = issuerConfig
  if (!config) return undefined
  const { metadata, keys, cache } = surroundings
  const freshMs = {
    active: Math.min(config.cache_ttl, cache.max_age) * 1_000,
    inactive: Math.min(config.negative_cache_ttl, cache.negative_max_age) * 1_000,
  }
  const answers = keep(`${name} introspection`, [issuer, algorithms, config, freshMs, metadata, keys], (toolkit) =>
    composeAnswers(issuer, config, freshMs, composeAsk(name, issuerConfig, config, surroundings, toolkit), toolkit),
  )
  // A token that the feed could not name could not be revoked.
  const revocable = revocation_feed !== undefined
  const { identify, confirm } = createIntrospectToken({
    ...{ name, issuer, audience, freshMs: freshMs.active, revocable, answers, now },
  })
  const timer = timerOf('introspection')
  return {
    identify: (...asked) => timer.wait(() => identify(...asked)),
    confirm: (...asked) => timer.wait(() => confirm(...asked)),
  }
}

function composeAsk(
  name: string,
  { issuer, algorithms }: IssuerConfig,
  config: IntrospectionConfig,
  { metadata, keys }: Surroundings,
  toolkit: Toolkit,
): Ask {
  const dependency = toolkit.dependency(`${name} introspection`)
  const verify = createVerifyIssuerJwt({ issuer, algorithms, verifySignature: keys.ofEvents })
  const { client_id: clientId, hedging, retries, timeout_ms: timeoutMs } = config
  return createAsk({
    endpoint: endpoint(config.endpoint, metadata, 'introspection_endpoint', config.tls),
    timeoutMs,
    retries,
    client: composeClient(`${name} introspection`, config, issuer, toolkit),
    hedge: hedging && createHedge(hedging.max_share),
    readSigned: config.signed
      ? createReadSigned({ name: dependency.name, clientId, verify, now: toolkit.now })
      : undefined,
    dependency,
  })
}

function composeAnswers(
  issuer: string,
  { client_id, endpoint: configured = '', signed }: IntrospectionConfig,
  freshMs: AnswersOptions['freshMs'],
  ask: Ask,
  { shared, now }: Toolkit,
): IntrospectionAnswers {
  // Another client, or one who asks elsewhere, may be told something else; and what nobody signed is not believed where it
  // has to be.
  const kind = ['introspection', issuer, configured, client_id, signed ? 'signed' : 'plain']
  const secondLevel = shared && createSecondLevel({ ...shared, kind, schema: SharedAnswer })
  return createIntrospectionAnswers({ ask, freshMs, secondLevel, now })
}
