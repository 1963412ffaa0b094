/** What sidecars share through Redis, from its configuration. */
import type { RedisConfig } from '../config/schema/redis.ts'
import { openRedis } from '../remote/redis/connection.ts'
import { createSealing } from '../remote/redis/sealing.ts'
import { createLocalReplayGuard, createSharedReplayGuard, type ReplayGuard } from '../remote/replay-guard.ts'

import type { Common, CommonToolkit, Shared } from './toolkit.ts'

const minSecretLength = 32

/** @throws Error where a secret is missing or too short */
export function composeCommon(config: RedisConfig | undefined, { keep }: CommonToolkit): Common {
  const shared = config && keep('redis', [config], (toolkit) => composeShared(config, toolkit))
  return { shared, replayGuard: keep('replay guard', [shared], ({ now }) => composeReplayGuard(shared, now)) }
}

function composeShared(config: RedisConfig, { readSecret, dependency, onClose }: CommonToolkit): Shared {
  const secret = readSecret(config.encryption_secret)
  if (secret.length < minSecretLength)
    throw new Error(`redis: the encryption secret has under ${minSecretLength} characters`)
  const { topology, nodes, sentinel_name: sentinelName, username, tls, timeout_ms: timeoutMs } = config
  const [password, sentinelPassword] = [config.password, config.sentinel_password].map(
    (source) => source && readSecret(source),
  )
  const settings = { topology, nodes, sentinelName, username, password, sentinelPassword, tls, timeoutMs }
  const redis = openRedis(settings, dependency('redis'))
  onClose(() => redis.close())
  return { redis, sealing: createSealing(secret), prefix: config.key_prefix }
}

/** Of all sidecars that share a Redis; without one, of this sidecar. */
function composeReplayGuard(shared: Shared | undefined, now: () => number): ReplayGuard {
  return shared
    ? createSharedReplayGuard(shared.redis, shared.sealing, shared.prefix, now)
    : createLocalReplayGuard(now)
}
