import { describe, expect, test } from 'vitest'
import { DependencyError } from '../../../src/failures.ts'
import { createFetchOwn } from '../../../src/remote/upstream-grants/fetch.ts'
import { passwordGrant } from '../../../src/remote/upstream-grants/password.ts'
import { type Parameters, TokenRefused } from '../../../src/remote/upstream-grants/token-endpoint.ts'
import type { FetchedToken } from '../../../src/remote/upstream-grants/token-response.ts'

const token: FetchedToken = { accessToken: 'a', scheme: 'Bearer', expiresIn: 60, refreshToken: undefined }
const refused = (code: string) => new TokenRefused('endpoint', `refused with ${code}`, code)

/** The endpoint answers what stands in the list; the password can be swapped. */
function setUp(...answers: (FetchedToken | Error)[]) {
  let [password, next] = ['old', 'old']
  const asked: Parameters[] = []
  const grant = passwordGrant('batch', {
    current: () => password,
    reread() {
      const changed = password !== next
      password = next
      return changed
    },
  })
  const answered: FetchedToken[] = []
  const kept = Promise.withResolvers<void>()
  const fetch = createFetchOwn(
    {
      ...grant,
      async answered(given) {
        answered.push(given)
        await kept.promise
      },
    },
    async (parameters) => {
      asked.push(parameters)
      const answer = answers.shift() ?? token
      if (answer instanceof Error) throw answer
      return answer
    },
    [['scope', 'read']],
  )
  return {
    fetch(keptAtOnce = true) {
      if (keptAtOnce) kept.resolve()
      return fetch()
    },
    kept,
    answered,
    passwords: () => asked.map((parameters) => Object.fromEntries(parameters).password),
    asked,
    swap: () => {
      next = 'new'
    },
  }
}

describe('a token for the sidecar', () => {
  test('is asked for with the grant and the target, and the grant is told of it', async () => {
    const { fetch, asked, answered } = setUp()
    expect(await fetch()).toBe(token)
    expect(asked).toEqual([
      [
        ['grant_type', 'password'],
        ['username', 'batch'],
        ['password', 'old'],
        ['scope', 'read'],
      ],
    ])
    expect(answered).toEqual([token])
  })

  test('is not used before the grant has kept what came with it', async () => {
    const { fetch, kept, answered } = setUp()
    let used = false
    const fetched = fetch(false).then(() => {
      used = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect([answered.length, used]).toEqual([1, false])
    kept.resolve()
    await fetched
  })

  test('that is refused is asked for once more with what is new', async () => {
    const { fetch, passwords, swap, answered } = setUp(refused('invalid_grant'))
    swap()
    expect(await fetch()).toBe(token)
    expect(passwords()).toEqual(['old', 'new'])
    expect(answered).toEqual([token])
  })

  test('is asked for no more than twice', async () => {
    const { fetch, passwords, swap } = setUp(refused('invalid_grant'), refused('invalid_grant'))
    swap()
    await expect(fetch()).rejects.toThrow('invalid_grant')
    expect(passwords()).toEqual(['old', 'new'])
  })

  test.each([
    ['there is nothing new', refused('invalid_grant'), false],
    ['something else was wrong', refused('invalid_scope'), true],
    ['the endpoint is out of order', new DependencyError('endpoint', 'status 500'), true],
  ])('is not asked for again where %s', async (_why, error, swapped) => {
    const { fetch, passwords, swap, answered } = setUp(error)
    if (swapped) swap()
    await expect(fetch()).rejects.toBe(error)
    expect(passwords()).toEqual(['old'])
    expect(answered).toEqual([])
  })
})
