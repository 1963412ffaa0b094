/** A Redis server for tests: in memory, on a free port of 127.0.0.1, in a temporary folder of its own. */
import { execFile } from 'node:child_process'
import { stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, isFreePort, startProcess, temporaryFolder } from './process.ts'

export interface RedisServer {
  /** `redis://127.0.0.1:port` */
  readonly url: string
  /** Runs a command with redis-cli, and answers what it printed. */
  command(...words: string[]): Promise<string>
  /** Ends it as a crash would. */
  crash(): Promise<void>
  /** Stops it from answering, without closing its connections, until `thaw`. */
  freeze(): void
  thaw(): void
  /** Starts it again on the same port: empty, since it keeps nothing. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface RedisServerOptions {
  /** Alone, it is a whole cluster: all slots are its own. Clients have to speak to it as to any. */
  cluster?: boolean
  /** More of its command line: `['--requirepass', 'secret']`. */
  arguments?: readonly string[]
}

/** Whether Redis is installed. */
export async function hasRedis(): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const found = await Promise.all(folders.map((folder) => stat(join(folder, 'redis-server')).catch(() => undefined)))
  return found.some((file) => file !== undefined)
}

/** @throws Error where Redis is not installed or does not start */
export async function startRedis({
  cluster = false,
  arguments: more = [],
}: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await temporaryFolder('redis')
  // The bus of a cluster's nodes would otherwise take the port 10,000 further, which may be none.
  const [port, busPort] = [await freePort(), await freePort()]
  const command = async (...words: string[]) => {
    const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(port), ...words], { timeout: 5_000 })
    return stdout.trim()
  }
  const isReady = async () => {
    // A restarted node knows its slots from its nodes.conf, and says that they are taken.
    if (cluster) await command('cluster', 'addslotsrange', '0', '16383')
    const answer = await command(...(cluster ? ['cluster', 'info'] : ['ping']))
    return /^(PONG|NOAUTH)|cluster_state:ok/.test(answer)
  }
  const settings = [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, '--save', '', '--appendonly', 'no'],
    ...(cluster
      ? // A node alone does not learn its own address, and tells clients none.
        ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-announce-ip', '127.0.0.1']
      : []),
    ...more,
  ]
  const start = () =>
    startProcess('redis-server', settings, { cwd: folder.path, ready: () => isReady().catch(() => false) })
  let server = await start().catch(async (error: unknown) => {
    await folder.remove()
    throw error
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    command,
    crash: () => server.stop('SIGKILL'),
    freeze: () => void process.kill(server.pid, 'SIGSTOP'),
    thaw: () => void process.kill(server.pid, 'SIGCONT'),
    async restart() {
      server = await start()
    },
    async stop() {
      await server.stop()
      await folder.remove()
    },
  }
}

/** A Sentinel that watches the server under the name `main`. */
export async function startSentinel(watched: RedisServer): Promise<{ address: string; stop(): Promise<void> }> {
  const folder = await temporaryFolder('sentinel')
  const [port, configuration] = [await freePort(), join(folder.path, 'sentinel.conf')]
  const { hostname, port: watchedPort } = new URL(watched.url)
  await writeFile(
    configuration,
    `port ${port}\nbind 127.0.0.1\ndir ${folder.path}\nsentinel monitor main ${hostname} ${watchedPort} 1\n`,
  )
  const sentinel = await startProcess('redis-server', [configuration, '--sentinel'], {
    cwd: folder.path,
    ready: () => isTaken(port),
  })
  return {
    address: `127.0.0.1:${port}`,
    async stop() {
      await sentinel.stop()
      await folder.remove()
    },
  }
}

const isTaken = async (port: number) => !(await isFreePort(port))
