/** Starts the peer and says what the scenarios send it. */
import { join } from 'node:path'
import { answers, freePort, startProcess } from '@postern/tools/servers/process'
import type { Part } from '../targets.ts'

export interface Peer {
  origin: string
  pid: number
}

export const oidcProvider: Part<Peer> = async (undo) => {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const file = join(import.meta.dirname, 'oidc-provider.ts')
  const running = await startProcess(process.execPath, [file, String(port)], {
    env: { ...process.env, NODE_ENV: 'production' },
    ready: answers(`${origin}/.well-known/openid-configuration`),
  })
  undo.push(() => running.stop())
  return { origin, pid: running.pid }
}
