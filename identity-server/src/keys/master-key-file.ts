/** Where no master key is configured, one is made and kept in the data folder, beside the database that needs it. */
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateMasterKey } from './master-keys.ts'

/** The master keys of the file `master-keys` in the folder, one a line; the file is made if there is none. */
export async function readMasterKeyFile(folder: string): Promise<string[]> {
  const path = join(folder, 'master-keys')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const keys = text.split('\n').filter((line) => line !== '')
  if (keys.length > 0) return keys
  const key = generateMasterKey()
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(`${key}\n`)
    // Before the first row is encrypted under it, the key must be safe.
    await file.sync()
  } finally {
    await file.close()
  }
  return [key]
}
