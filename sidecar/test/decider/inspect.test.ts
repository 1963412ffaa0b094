import { expect, test } from 'vitest'
import { createInspect } from '../../src/decider/inspect.ts'
import { Refusal } from '../../src/failures.ts'
import type { Identity } from '../../src/steps/identity.ts'
import type { RevocationState } from '../../src/steps/revocation.ts'

const now = 1_700_000_000_000
const identity: Identity = {
  issuer: 'test',
  claims: { sub: 'alice' },
  revocable: undefined,
  expiresAt: now + 1,
  holdsUntil: now + 1,
}

const inspect = (found: Identity | Error, revocation: RevocationState = 'in_force') =>
  createInspect({
    authenticate: async () => {
      if (found instanceof Error) throw found
      return found
    },
    checkRevocation: () => revocation,
    now: () => now,
  })('token')

test('a token that holds is who it stands for', async () => {
  expect(await inspect(identity)).toEqual({ identity })
})

test('one that does not is told why', async () => {
  const refused = new Refusal('invalid_token', 'no')
  expect(await inspect(refused)).toEqual({ refusal: refused })
  expect(await inspect({ ...identity, expiresAt: now })).toMatchObject({
    refusal: { message: 'the token has expired' },
  })
  expect(await inspect(identity, 'revoked')).toMatchObject({ refusal: { message: 'the token has been revoked' } })
})

test('of one about which nothing is known, nothing is told', async () => {
  await expect(inspect(identity, 'unknown')).rejects.toThrow('revocations are not known')
  await expect(inspect(new Error('down'))).rejects.toThrow('down')
})
