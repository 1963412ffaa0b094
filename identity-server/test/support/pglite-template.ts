/**
 * An empty PGlite database takes seconds to make, and nearly every test file needs some. So one is made for each version
 * of PGlite, kept in `.postern` of the repository, and copied.
 */
import { constants } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'

const home = fileURLToPath(new URL('../../../.postern/test/', import.meta.url))

/** Puts an empty database into a folder that does not exist yet. */
export async function copyEmptyPglite(to: string): Promise<void> {
  const template = join(home, `pglite-${await version()}`)
  if (!(await exists(template))) await make(template)
  await cp(template, to, { recursive: true, mode: constants.COPYFILE_FICLONE })
}

/** Several test files may find it missing at once: the first one to finish wins, and the others' are thrown away. */
async function make(template: string): Promise<void> {
  const own = `${template}.${process.pid}`
  await rm(own, { recursive: true, force: true })
  await mkdir(home, { recursive: true })
  const database = await PGlite.create({ dataDir: own })
  await database.close()
  await rename(own, template).catch(async (error: unknown) => {
    await rm(own, { recursive: true, force: true })
    if (!(await exists(template))) throw error
  })
}

async function version(): Promise<string> {
  const manifest: unknown = JSON.parse(
    await readFile(new URL('../package.json', import.meta.resolve('@electric-sql/pglite')), 'utf8'),
  )
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
