import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../../src/remote/sha256.ts'
import { createRefreshState, type HeldRefreshToken } from '../../../src/remote/upstream-grants/refresh-state.ts'
import { refreshTokenGrant } from '../../../src/remote/upstream-grants/refresh-token.ts'
import type { FetchedToken } from '../../../src/remote/upstream-grants/token-response.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let files = 0

beforeAll(async () => {
  folder = await temporaryFolder('refresh-token')
})

afterAll(() => folder.remove())

const newFile = () => {
  files += 1
  return join(folder.path, `state-${files}`)
}

function setUp(file: string | undefined) {
  let [configured, next] = ['first', 'first']
  const lost: unknown[] = []
  const begin = () =>
    refreshTokenGrant(
      {
        current: () => configured,
        reread() {
          const changed = configured !== next
          configured = next
          return changed
        },
      },
      file === undefined ? undefined : createRefreshState(file),
      (error) => void lost.push(error),
    )
  return {
    begin,
    lost,
    configure: (token: string) => {
      next = token
    },
  }
}

type Grant = ReturnType<ReturnType<typeof setUp>['begin']>
const asked = async (grant: Grant) => Object.fromEntries(await grant.parameters()).refresh_token
const answer = (grant: Grant, refreshToken: string | undefined) =>
  grant.answered?.({ accessToken: 'a', scheme: 'Bearer', expiresIn: 60, refreshToken } satisfies FetchedToken)

describe('the refresh token', () => {
  test('is the configured one, for as long as the issuer gives no other', async () => {
    const { begin, lost } = setUp(undefined)
    const grant = begin()
    expect(await grant.parameters()).toEqual([
      ['grant_type', 'refresh_token'],
      ['refresh_token', 'first'],
    ])
    await answer(grant, undefined)
    await answer(grant, 'first')
    expect(await asked(grant)).toBe('first')
    expect(lost).toEqual([])
  })

  test('is the next one where the issuer gives it, and outlives the sidecar in a file of its own', async () => {
    const file = newFile()
    const { begin, lost } = setUp(file)
    const grant = begin()
    await asked(grant)
    await answer(grant, 'second')
    expect(await asked(grant)).toBe('second')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).not.toContain('first')
    expect(await asked(begin())).toBe('second')
    expect(readdirSync(folder.path).filter((name) => name.startsWith('state-'))).toHaveLength(1)
    expect(lost).toEqual([])
  })

  test('is the newly configured one, whatever the file says', async () => {
    const file = newFile()
    const { begin, configure } = setUp(file)
    const grant = begin()
    await asked(grant)
    await answer(grant, 'second')
    configure('another')
    expect(grant.renewed?.()).toBe(true)
    expect(await asked(grant)).toBe('another')
    expect(grant.renewed?.()).toBe(false)
    await answer(grant, 'its next')
    expect(await asked(begin())).toBe('its next')
  })

  test('that came as an answer to the old one does not stand in for one that was configured meanwhile', async () => {
    const { begin, configure } = setUp(newFile())
    const grant = begin()
    await asked(grant)
    configure('another')
    grant.renewed?.()
    await answer(grant, 'second')
    expect(await asked(grant)).toBe('another')
  })

  test('serves on where it cannot be kept, which is told', async () => {
    const place = join(folder.path, 'read-only')
    mkdirSync(place)
    const { begin, lost } = setUp(join(place, 'gone', 'state'))
    chmodSync(place, 0o500)
    const grant = begin()
    await asked(grant)
    await answer(grant, 'second')
    expect(lost).toHaveLength(1)
    expect(await asked(grant)).toBe('second')
    const memory = setUp(undefined)
    const forgetful = memory.begin()
    await asked(forgetful)
    await answer(forgetful, 'second')
    expect(memory.lost).toEqual([undefined])
    expect(await asked(forgetful)).toBe('second')
  })

  test('that could not be kept is not forgotten for the older one in the file', async () => {
    // Beside so long a name there is no room for another file's.
    const file = join(folder.path, 'long-name-'.repeat(23))
    const keep = (refreshToken: string) =>
      writeFileSync(file, JSON.stringify({ began: sha256('first'), refreshToken } satisfies HeldRefreshToken))
    keep('second')
    const { begin, lost } = setUp(file)
    const grant = begin()
    expect(await asked(grant)).toBe('second')
    await answer(grant, 'third')
    expect(lost).toHaveLength(1)
    expect(await asked(grant)).toBe('third')
    // What somebody else has written since is news.
    keep('fourth')
    expect(await asked(grant)).toBe('fourth')
    await answer(grant, 'fifth')
    expect(await asked(grant)).toBe('fifth')
  })

  test.each(['', '{', '{"began":1}', '[]'])('is not guessed from a damaged file: %s', (text) => {
    const file = newFile()
    writeFileSync(file, text)
    expect(() => setUp(file).begin()).toThrow(file)
  })

  test('where the file is none, is told, and nothing is left beside it', async () => {
    const place = join(folder.path, 'folder')
    mkdirSync(place)
    const state = createRefreshState(place)
    expect(() => state.read()).toThrow('cannot be read')
    await expect(state.write({ began: 'a', refreshToken: 'b' })).rejects.toThrow()
    expect(readdirSync(folder.path).filter((name) => name.startsWith('folder'))).toEqual(['folder'])
  })
})
