/** A file that holds the refresh token of the day: for its owner only, and whole at every moment. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { DependencyError } from '../../failures.ts'

const Held = Type.Object({
  /** The hash of the configured one that this one goes back to. */
  began: Type.String(),
  refreshToken: Type.String({ minLength: 1 }),
})
export type HeldRefreshToken = Static<typeof Held>

export interface RefreshState {
  /** @returns undefined where there is none yet. @throws DependencyError where the file is there, but cannot be read */
  read(): HeldRefreshToken | undefined
  write(held: HeldRefreshToken): Promise<void>
}

export function createRefreshState(file: string): RefreshState {
  return {
    read() {
      const text = readIfThere(file)
      if (text === undefined) return undefined
      const held = parse(text)
      // Going on with the configured one could end the whole grant, where it was used before (RFC 9700 section 4.14.2).
      if (!held)
        throw new DependencyError(file, 'is no state of a refresh token: remove it to begin with the configured one')
      return held
    },
    async write(held) {
      const next = `${file}.${randomUUID()}`
      try {
        const handle = await open(next, 'wx', 0o600)
        try {
          await handle.writeFile(JSON.stringify(held))
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(next, file)
      } catch (error) {
        await rm(next, { force: true })
        throw error
      }
      await syncFolder(dirname(file))
    },
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new DependencyError(file, 'cannot be read', error)
  }
}

function parse(text: string): HeldRefreshToken | undefined {
  try {
    const held: unknown = JSON.parse(text)
    return Value.Check(Held, held) ? held : undefined
  } catch {
    return undefined
  }
}

/** Without it, the new name may be lost with the power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
