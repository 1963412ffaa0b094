/** What decides: the parts of the configuration in force, and the change to those of another one between two requests. */
import type { Config } from '../config/schema.ts'
import { createDecider } from '../decider/decider.ts'
import type { Policy } from '../decider/policy.ts'
import { createReplaceableDecider, type ReplaceableDecider } from '../decider/replaceable.ts'
import type { Dependency } from '../remote/calls/dependency.ts'
import type { Jwks } from '../remote/jwt/jwks.ts'
import type { RevocationFeed } from '../remote/revocations/revocation-feed.ts'
import type { CheckCaller } from '../steps/caller-revocation.ts'
import type { UpstreamStep } from '../steps/upstream-token.ts'
import type { Inspector } from '../transports/inspection.ts'
import { createParts, type Tools } from './parts.ts'
import { composePolicies } from './policies.ts'
import type { Published } from './policy.ts'
import { composeCommon } from './redis.ts'
import { type Learning, learnt, within } from './waiting.ts'

export interface Engine {
  readonly decider: ReplaceableDecider
  /** The configuration in force. */
  config(): Config
  policies(): ReadonlyMap<string, Policy>
  /** What a policy tells anybody. */
  published(policy: string): Published | undefined
  /** Undefined where the policy tells nobody what tokens are. */
  inspector(policy: string): Inspector | undefined
  /** By the issuer's name, as are the feeds. */
  keys(): ReadonlyMap<string, Jwks>
  feeds(): ReadonlyMap<string, RevocationFeed>
  upstreams(): ReadonlyMap<string, UpstreamStep>
  /** Of callers' tokens that nobody has verified. */
  checkCaller: CheckCaller
  dependencies(): readonly Dependency[]
  /**
   * Builds everything for another configuration beside what is in force.
   * @throws Error where a secret is missing; nothing has changed then
   */
  prepare(config: Config): Prepared
  /** A change that is under way waits for nothing any more. */
  hurry(): void
  close(): Promise<void>
}

export interface Prepared {
  /** Waits until new issuers' keys and revocations are known, then lets it decide. @returns settles once the old decider's requests are answered */
  takeOver(): Promise<{ drained: Promise<void> }>
  abandon(): Promise<void>
}

/** Until new issuers' keys and revocations are known, and until the old decider has answered. */
const waits = { learnMs: 10_000, drainMs: 10_000 }

/** @throws Error where a secret is missing */
export function createEngine(config: Config, tools: Tools): Engine {
  const parts = createParts(tools)
  const hurrying = new AbortController()
  const compose = (from: Config) =>
    parts.compose(
      (toolkit) => composeCommon(from.redis, toolkit),
      (toolkit) => composePolicies(from, toolkit),
    )

  let configInForce = config
  let inForce = compose(config)
  inForce.adopt()
  startLearning(inForce.value)
  const decider = createReplaceableDecider(createDecider(inForce.value.policies))

  return {
    decider,
    config: () => configInForce,
    policies: () => inForce.value.policies,
    published: (policy) => inForce.value.published.get(policy),
    inspector: (policy) => inForce.value.inspectors.get(policy),
    keys: () => inForce.value.keys,
    feeds: () => inForce.value.feeds,
    upstreams: () => inForce.value.upstreams,
    checkCaller: (token) => inForce.value.checkCaller(token),
    dependencies: () => inForce.dependencies,
    prepare(next) {
      const composed = compose(next)
      return {
        abandon: composed.abandon,
        async takeOver() {
          startLearning(composed.value)
          await learnt(composed.value, waits.learnMs, hurrying.signal)
          const closeUnused = composed.adopt()
          inForce = composed
          configInForce = next
          const answered = decider.replace(createDecider(composed.value.policies))
          return { drained: within(answered, waits.drainMs, hurrying.signal).then(closeUnused) }
        },
      }
    },
    hurry: () => hurrying.abort(),
    close: parts.close,
  }
}

function startLearning({ keys, feeds }: Learning): void {
  for (const of of keys.values()) of.start()
  for (const feed of feeds.values()) feed.start()
}
