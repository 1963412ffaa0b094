/**
 * Redis, alone, behind Sentinel, or as a cluster. Nothing waits for a server that is not there: a command is answered
 * within its deadline, or fails; after repeated failures its breaker answers at once.
 */
import { createRequire } from 'node:module'
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { DependencyError } from '../../failures.ts'
import type { Dependency } from '../calls/dependency.ts'

/** Of the driver, what is used. */
export interface RedisCommands {
  set(key: string, value: Buffer, px: 'PX', milliseconds: number): Promise<'OK' | null>
  set(key: string, value: string, px: 'PX', milliseconds: number, nx: 'NX'): Promise<'OK' | null>
  getBuffer(key: string): Promise<Buffer | null>
  del(key: string): Promise<number>
}

export interface RedisConnection {
  /** @throws DependencyError */
  run<T>(command: (redis: RedisCommands) => Promise<T>): Promise<T>
  /** Whether it keeps what it is told to keep, however full it gets. @throws DependencyError */
  keepsAll(): Promise<boolean>
  close(): void
}

/** A connection to a server that is found, or not yet. */
export interface OpenRedis extends RedisConnection {
  /** Whether commands can be sent now. */
  isReady(): boolean
}

export interface RedisCredentials {
  password?: string
  sentinelPassword?: string
}

export interface RedisSettings {
  topology: 'single' | 'sentinel' | 'cluster'
  /** `host:port` */
  nodes: readonly string[]
  sentinelName: string | undefined
  username: string | undefined
  tls: boolean
  timeoutMs: number
}

/** Between looks at whether anything is forgotten: the operator may change that, or a replica take over. */
const lookAgainMs = 60_000

/** Loaded with the first connection: without Redis, its memory is better spent on tokens. */
const loadDriver = (): typeof import('ioredis') => createRequire(import.meta.url)('ioredis')

/** Connects in the background, and again for as long as it takes. @param now ms since the epoch */
export function openRedis(
  settings: RedisSettings,
  credentials: RedisCredentials,
  dependency: Dependency,
  now: () => number,
): OpenRedis {
  const redis = connect(settings, credentials)
  // Whoever asks hears of it; unheard, the event would end the process.
  redis.on('error', () => undefined)
  let look: { at: number; keepsAll: Promise<boolean> } | undefined
  // The next may be another server, or one that is configured otherwise.
  redis.on('close', () => {
    look = undefined
  })

  const run = <T>(command: (redis: Redis | Cluster) => Promise<T>): Promise<T> =>
    dependency.call(() => inTime(command(redis), settings.timeoutMs, dependency.name))
  return {
    run,
    async keepsAll() {
      if (!look || Math.abs(now() - look.at) >= lookAgainMs) look = { at: now(), keepsAll: run(evictsNothing) }
      const asked = look
      const found = await asked.keepsAll.catch((error: unknown) => ({ error }))
      // Only what is good is remembered.
      if (found !== true && look === asked) look = undefined
      if (typeof found === 'object') throw found.error
      return found
    },
    isReady: () => redis.status === 'ready',
    close: () => redis.disconnect(),
  }
}

function connect(settings: RedisSettings, { password, sentinelPassword }: RedisCredentials): Redis | Cluster {
  const driver = loadDriver()
  const { topology, sentinelName, username, tls } = settings
  const nodes = settings.nodes.map(hostAndPort)
  const credentials = { ...(username && { username }), ...(password && { password }) }
  const shared = { ...options, ...credentials, ...(tls && { tls: {} }) }
  const alone = { ...shared, enableOfflineQueue: false, retryStrategy }
  switch (topology) {
    case 'cluster':
      return new driver.Cluster(nodes, {
        redisOptions: shared,
        enableOfflineQueue: false,
        maxRedirections: 3,
        slotsRefreshTimeout: options.connectTimeout,
        clusterRetryStrategy: retryStrategy,
      })
    case 'sentinel':
      return new driver.Redis({
        ...alone,
        sentinels: nodes,
        name: sentinelName ?? '',
        sentinelRetryStrategy: retryStrategy,
        ...(sentinelPassword && { sentinelPassword }),
        ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
      })
    case 'single':
      return new driver.Redis({ ...alone, ...nodes[0] })
  }
}

const options = {
  connectTimeout: 2_000,
  // A connection on which nothing comes back is replaced, and not waited on by each command.
  socketTimeout: 2_000,
  // A command is not sent again: it may have been carried out, and its second answer would be another.
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // After a failover, the node that one is connected to may be a replica now.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  connectionName: 'postern-sidecar',
} satisfies RedisOptions

/** Half of it at random, so that sidecars do not all come back at once. */
function retryStrategy(times: number): number {
  return Math.min(2_000, 50 * 2 ** times) * (0.5 + Math.random() / 2)
}

function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}

/** A Redis that makes room by dropping keys forgets without a word. */
async function evictsNothing(redis: Redis | Cluster): Promise<boolean> {
  const nodes = 'nodes' in redis ? redis.nodes('master') : [redis]
  // A cluster of which nothing is known yet would otherwise be taken for one that forgets nothing.
  if (nodes.length === 0) throw new Error('no server is known')
  const infos = await Promise.all(nodes.map((node) => node.info('memory')))
  return infos.every((info) => /^maxmemory:0\s/m.test(info) || /^maxmemory_policy:noeviction\s/m.test(info))
}

/** Of a cluster, redirections and waiting for its slots included. */
async function inTime<T>(answer: Promise<T>, ms: number, name: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new DependencyError(name, 'did not answer in time')), ms)
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
