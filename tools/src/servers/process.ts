/**
 * What tests and the demo need of the operating system: free ports, temporary folders, and child processes that are
 * stopped by their own process id, whatever happens.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * A TCP port on 127.0.0.1 that nobody listens on at this moment. Not one of those that the system gives to outgoing
 * connections (from 32768 on, or higher): between this look and the server's start, one of them could take it.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFreePort(port)) return port
  }
  throw new Error('no free port was found')
}

/** Whether nobody listens on the port of 127.0.0.1. */
export function isFreePort(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** A new folder, and the function that removes it with all it holds. */
export async function temporaryFolder(name: string): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `postern-${name}-`))
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) }
}

export interface RunningProcess {
  readonly pid: number
  /** Standard output and standard error so far, the last 64 KiB of it. */
  output(): string
  /** Settles when the process is gone. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Sends the signal, waits `graceMs`, then SIGKILL. Returns when the process is gone. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<void>
}

/**
 * Starts a process and waits until `ready` holds.
 * @param options `ready` is asked every 50 ms until true, for at most `readyWithinMs`; the rest goes to `spawn`
 * @throws Error with the output so far where the process ends or is not ready in time; it is then killed
 */
export async function startProcess(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { ready(): Promise<boolean> | boolean; readyWithinMs?: number },
): Promise<RunningProcess> {
  const { ready, readyWithinMs = 20_000, ...spawnOptions } = options
  const running = supervise(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...spawnOptions }))
  let gone = false
  void running.exited.then(() => {
    gone = true
  })
  const deadline = Date.now() + readyWithinMs
  while (!(await ready())) {
    if (gone || Date.now() > deadline) {
      const reason = gone ? 'ended' : 'was not ready in time'
      await running.stop('SIGKILL')
      throw new Error(`${command} ${reason}:\n${running.output()}`)
    }
    await delay(50)
  }
  return running
}

/** None outlives this process. */
const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

function supervise(child: ChildProcess): RunningProcess {
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-65_536)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  children.add(child)
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', (error) => {
      keep(Buffer.from(String(error)))
      resolve({ code: null, signal: null })
    })
  }).finally(() => children.delete(child))
  return {
    pid: child.pid ?? -1,
    output: () => output,
    exited,
    async stop(signal = 'SIGTERM', graceMs = 5_000) {
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await exited
      clearTimeout(timer)
    },
  }
}

/** A `ready` test: whether somebody listens on the port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** A `ready` test: whether something answers at this address with a status below 500. */
export function answers(url: string): () => Promise<boolean> {
  return () =>
    fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      (response) => response.status < 500,
      () => false,
    )
}
