/** What a database must hold before the first request: the root, the system auth server, and somebody who may administer. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Environment } from '../config.ts'
import { bootstrap } from '../tenancy/bootstrap.ts'
import type { Foundation } from './foundation.ts'

export interface FirstStart {
  environment: Environment
  publicOrigin: string
  logger: Logger
  /** ms since the epoch */
  now: number
}

/** Makes what is missing. The secret of the first client, where nobody gave it one, goes to a file. */
export async function makeFirstStart(
  { db, masterKeys }: Foundation,
  { environment, publicOrigin, logger, now }: FirstStart,
): Promise<void> {
  const { POSTERN_ADMIN_CLIENT_ID: id, POSTERN_ADMIN_CLIENT_SECRET: given, POSTERN_DATA_DIR: folder } = environment
  const keepFirstSecret = async (clientId: string, secret: string) => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, 'admin-client.env')
    const lines = [`POSTERN_ADMIN_CLIENT_ID=${clientId}`, `POSTERN_ADMIN_CLIENT_SECRET=${secret}`, '']
    await writeFile(path, lines.join('\n'), { mode: 0o600, flush: true })
    logger.info({ path }, 'the first admin client was made; its secret is in this file')
  }
  await bootstrap(db, masterKeys, publicOrigin, { id, secret: given }, keepFirstSecret, now)
}
