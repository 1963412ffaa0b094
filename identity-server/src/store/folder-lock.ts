/**
 * One process at a time in a data folder. Node.js offers no file locks of its own; SQLite, which it brings, takes one
 * that the operating system gives back when the process ends, however it ends. The database stays empty.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * @returns the function that gives the lock back
 * @throws Error where another process holds the folder
 */
export function lockFolder(folder: string): () => void {
  const lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (cause) {
    lock.close()
    throw new Error(`${folder} is in use by another process`, { cause })
  }
  return () => lock.close()
}
