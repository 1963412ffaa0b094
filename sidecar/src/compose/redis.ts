/** What sidecars share through Redis, from its configuration. */
import type { RedisConfig } from '../config/schema/redis.ts'
import { createChangingRedis } from '../remote/redis/changing-connection.ts'
import { openRedis, type RedisCredentials } from '../remote/redis/connection.ts'
import { createChangingSealing, createSealing } from '../remote/redis/sealing.ts'
import { createLocalReplayGuard, createSharedReplayGuard, type ReplayGuard } from '../remote/replay-guard.ts'
import type { Common, CommonToolkit, Shared } from './toolkit.ts'

const minSecretLength = 32

/** @throws Error where a secret is missing or too short */
export function composeCommon(config: RedisConfig | undefined, { keep }: CommonToolkit): Common {
  const shared = config && keep('redis', [config], (toolkit) => composeShared(config, toolkit))
  return { shared, replayGuard: keep('replay guard', [shared], ({ now }) => composeReplayGuard(shared, now)) }
}

function composeShared(config: RedisConfig, { changingSecret, dependency, onClose, now }: CommonToolkit): Shared {
  const { topology, nodes, sentinel_name: sentinelName, username, tls, timeout_ms: timeoutMs } = config
  const settings = { topology, nodes, sentinelName, username, tls, timeoutMs }
  const present = Object.entries({ password: config.password, sentinelPassword: config.sentinel_password }).flatMap(
    ([member, source]) => (source ? [{ member, source }] : []),
  )
  const sources = present.map(({ source }) => source)
  const credentials = changingSecret('redis passwords', sources, (texts): RedisCredentials => {
    const pairs = present.map(({ member }, index) => [member, texts[index]])
    return Object.fromEntries(pairs)
  })
  const breaker = dependency('redis')
  const redis = createChangingRedis(credentials, (found) => openRedis(settings, found, breaker, now), timeoutMs)
  onClose(redis.close)
  const sealing = changingSecret('redis encryption_secret', [config.encryption_secret], ([secret = '']) => {
    if (secret.length >= minSecretLength) return createSealing(secret)
    throw new Error(`redis: the encryption secret has under ${minSecretLength} characters`)
  })
  return { redis, sealing: createChangingSealing(sealing.current), prefix: config.key_prefix }
}

/** Of all sidecars that share a Redis; without one, of this sidecar. */
function composeReplayGuard(shared: Shared | undefined, now: () => number): ReplayGuard {
  return shared ? createSharedReplayGuard(shared.redis, shared.prefix, now) : createLocalReplayGuard(now)
}
