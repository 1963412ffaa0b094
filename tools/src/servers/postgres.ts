/** A PostgreSQL server for tests: its own cluster in a temporary folder, on a free port of 127.0.0.1. */
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, type RunningProcess, startProcess, temporaryFolder } from './process.ts'

const run = promisify(execFile)

export interface PostgresServer {
  /** Connection string of the database `postgres`. */
  readonly url: string
  /** Creates an empty database and answers its connection string. */
  createDatabase(name: string): Promise<string>
  /** Ends it as a crash would (SIGQUIT: immediate shutdown, recovery at the next start). */
  crash(): Promise<void>
  /** Starts it again on the same port and data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** The folder that holds `postgres`, or undefined where it is not installed. */
export async function postgresBinaries(): Promise<string | undefined> {
  const debian = '/usr/lib/postgresql'
  const versions = await readdir(debian).catch(() => [])
  const folders = [
    ...versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  for (const folder of folders) {
    if (await stat(join(folder, 'postgres')).catch(() => undefined)) return folder
  }
  return undefined
}

/** @throws Error where PostgreSQL is not installed or does not start */
export async function startPostgres(): Promise<PostgresServer> {
  const binaries = await postgresBinaries()
  if (!binaries) throw new Error('PostgreSQL is not installed')
  const folder = await temporaryFolder('postgres')
  const data = join(folder.path, 'data')
  await mkdir(data)
  const user = await owner()
  if (user) {
    await chmod(folder.path, 0o755)
    await chown(data, user.uid, user.gid)
  }
  const initdb = ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C']
  await run(join(binaries, 'initdb'), initdb, { cwd: data, ...user })

  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const psql = (sql: string) => run(join(binaries, 'psql'), ['-X', '-q', '-c', sql, url])
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=200']
  const start = () =>
    startProcess(join(binaries, 'postgres'), ['-D', data, '-p', String(port), ...settings], {
      cwd: data,
      ...user,
      ready: () =>
        psql('select 1').then(
          () => true,
          () => false,
        ),
    })
  let server: RunningProcess = await start()
  return {
    url,
    async createDatabase(name) {
      await psql(`create database "${name}"`)
      return url.replace(/postgres$/, name)
    },
    crash: () => server.stop('SIGQUIT'),
    async restart() {
      server = await start()
    },
    async stop() {
      await server.stop('SIGINT')
      await folder.remove()
    },
  }
}

/** PostgreSQL refuses to run as root; Debian's package brings a user for it. */
async function owner(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const { stdout } = await run('id', ['postgres'])
  const [, uid, gid] = /uid=(\d+).*?gid=(\d+)/.exec(stdout) ?? []
  if (!uid || !gid) throw new Error('running as root, and there is no user postgres')
  return { uid: Number(uid), gid: Number(gid) }
}
