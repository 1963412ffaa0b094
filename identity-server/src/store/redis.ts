/**
 * Redis or Redis Cluster, for what several replicas share and may lose. Nothing waits for a server that is not there: a
 * command is answered within its deadline, or fails.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { StoreError } from './errors.ts'

/** Of the driver, what is used. */
export interface RedisCommands {
  set(key: string, value: string, px: 'PX', milliseconds: number, nx: 'NX'): Promise<'OK' | null>
}

export interface RedisStore {
  /** @throws StoreError `unavailable`, whatever went wrong: what Redis was to remember must not be taken as unknown */
  run<T>(command: (redis: RedisCommands) => Promise<T>): Promise<T>
  /** Whether it answers now, and keeps what it is told to keep. */
  ping(): Promise<boolean>
  close(): Promise<void>
}

export interface RedisSettings {
  /** `redis://` or `rediss://`, with user, password and database where needed. */
  url: string
  /** Whether the URL names a node of a cluster. */
  cluster: boolean
}

const commandWithinMs = 1_000
const maxUnderWay = 1_000

/** Connects in the background, and again for as long as it takes. */
export function openRedis({ url, cluster }: RedisSettings): RedisStore {
  const redis = cluster ? openCluster(url) : new Redis(url, { ...options, enableOfflineQueue: false, retryStrategy })
  // Whoever asks hears of it; unheard, the event would end the process.
  redis.on('error', () => undefined)

  let untrusted: unknown = new Error('Redis has not been reached yet')
  let checking: Promise<boolean> | undefined
  const check = async () => {
    untrusted = await inTime(whyUntrusted(redis)).catch((error: unknown) => error)
    checking = undefined
    return untrusted === undefined
  }
  /** Whether it answers now, and keeps what it is told to keep; asked once, however many wait for it. */
  const ping = () => {
    checking ??= check()
    return checking
  }
  // The next may be another server, or one that is configured otherwise.
  redis.on('close', () => {
    untrusted = new Error('Redis is not connected')
  })

  let underWay = 0
  return {
    async run(command) {
      if (untrusted !== undefined && !(await ping())) throw new StoreError('unavailable', untrusted)
      if (underWay >= maxUnderWay) throw new StoreError('unavailable', new Error('too many commands are under way'))
      underWay += 1
      try {
        return await inTime(command(redis))
      } catch (error) {
        throw new StoreError('unavailable', error)
      } finally {
        underWay -= 1
      }
    },
    ping,
    async close() {
      redis.disconnect()
    },
  }
}

/** A Redis that makes room by dropping keys forgets without a word. */
async function whyUntrusted(redis: Redis | Cluster): Promise<Error | undefined> {
  // Of a cluster, a node may answer while the whole is not known yet.
  await redis.ping()
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis]
  const infos = await Promise.all(nodes.map((node) => node.info('memory')))
  const evicts = infos.some((info) => !/^maxmemory:0\s/m.test(info) && !/^maxmemory_policy:noeviction\s/m.test(info))
  return evicts ? new Error('Redis evicts keys: its maxmemory-policy must be noeviction') : undefined
}

const options = {
  connectTimeout: 2_000,
  // A connection on which nothing comes back is replaced, and not waited on by each command.
  socketTimeout: 2 * commandWithinMs,
  // A command is not sent again: it may have been carried out, and its second answer would be another.
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // After a failover, the node that one is connected to may be a replica now.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  connectionName: 'postern',
} satisfies RedisOptions

/** Of a cluster, redirections and waiting for its slots included. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('Redis did not answer in time')), commandWithinMs)
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

function retryStrategy(times: number): number {
  // Half of it at random, so that replicas do not all come back at once.
  return Math.min(2_000, 50 * 2 ** times) * (0.5 + Math.random() / 2)
}

function openCluster(url: string): Cluster {
  const { hostname, port, protocol, username, password } = new URL(url)
  return new Cluster([{ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6_379) }], {
    redisOptions: {
      ...options,
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
    },
    enableOfflineQueue: false,
    maxRedirections: 3,
    slotsRefreshTimeout: 2_000,
    clusterRetryStrategy: retryStrategy,
  })
}
