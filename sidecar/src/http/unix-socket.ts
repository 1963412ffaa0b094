/** Listening on a unix socket: in the place of a dead one, for the owner and its group only. */
import { chmod, lstat, unlink } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect } from 'node:net'

/** For the owner and its group. */
export const socketMode = 0o660

/** @throws as `removeDeadSocket` */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  await removeDeadSocket(path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  await chmod(path, socketMode)
}

/** @throws Error where something lives at the path, or a file that is no socket */
export async function removeDeadSocket(path: string): Promise<void> {
  const stat = await lstat(path).catch(() => undefined)
  if (!stat) return
  if (!stat.isSocket()) throw new Error(`${path} exists and is no socket`)
  const alive = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.setTimeout(1_000, () => resolve(true))
    socket.once('close', () => socket.destroy())
  })
  if (alive) throw new Error(`${path} is in use`)
  await unlink(path)
}
