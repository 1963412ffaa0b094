/** PostgreSQL inside this process (PGlite), with its files in a folder: the default where no server is configured. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect } from 'kysely'
import { createChanges } from './changes.ts'
import { type Database, openDatabase } from './database.ts'
import { lockFolder } from './folder-lock.ts'
import type { Tables } from './schema.ts'

/**
 * Opens or creates the database in the folder.
 * @throws Error where another live process has it open: two would destroy it
 */
export async function openPglite(folder: string): Promise<Database> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const unlock = lockFolder(folder)
  try {
    const pglite = await PGlite.create({ dataDir: join(folder, 'pglite') })
    const changes = createChanges(async (onMessage) => {
      const unlisten = await pglite.listen('postern_changes', onMessage)
      return () => unlisten()
    })
    return await openDatabase('pglite', new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) }), changes, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}
