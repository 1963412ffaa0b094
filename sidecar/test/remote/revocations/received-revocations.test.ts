import { formatRevocation } from '@postern/protocol/revocation-event'
import { feedAudience } from '@postern/protocol/security-event'
import { describe, expect, test } from 'vitest'
import { createReceivedRevocations } from '../../../src/remote/revocations/received-revocations.ts'

const issuer = 'https://id.example'
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What would be verified is taken for genuine; time is what a test sets, in seconds. */
function setUp(maxRevocations?: number) {
  let seconds = 1_000_000
  const received = createReceivedRevocations({
    ...{ name: 'feed', issuer, clientId: 'sidecar', now: () => seconds * 1_000 },
    ...(maxRevocations !== undefined && { maxRevocations }),
    verify: async ({ payload }) => payload,
  })
  const tell = (jti: string, expiresAt: number) => {
    const about = formatRevocation(issuer, { kind: 'token', value: jti, expiresAt })
    return received.receive([
      `${encode({ alg: 'ES256' })}.${encode({ iss: issuer, aud: feedAudience(issuer), jti, ...about })}.c2ln`,
    ])
  }
  return {
    received,
    tell,
    at: async (time: number) => {
      seconds = time
      await received.receive([])
    },
  }
}

describe('a revocation', () => {
  test('is forgotten a while after the last token that it ends has expired, and not before', async () => {
    const { received, tell, at } = setUp()
    await tell('a', 1_000_060)
    expect(received.cover({ jti: 'a' })).toBe(true)
    await at(1_000_060 + 119)
    expect(received.cover({ jti: 'a' })).toBe(true)
    expect(received.mayLack()).toBe(false)
    await at(1_000_060 + 135)
    expect(received.cover({ jti: 'a' })).toBe(false)
    expect(received.mayLack()).toBe(false)
  })

  test('that was forgotten may be lacking where the clock is set back by more than that while', async () => {
    const { received, tell, at } = setUp()
    await tell('a', 1_000_060)
    await at(1_003_600)
    await at(1_003_600 - 100)
    expect(received.mayLack()).toBe(false)
    await at(1_000_000)
    expect(received.mayLack()).toBe(true)
    received.startOver()
    expect(received.mayLack()).toBe(false)
    await tell('a', 1_000_060)
    await at(1_000_030)
    expect(received.cover({ jti: 'a' })).toBe(true)
  })
})

test('more revocations than can be remembered: some may be missing, until there are fewer again', async () => {
  const { received, tell, at } = setUp(2)
  await tell('a', 1_000_060)
  await tell('b', 1_000_060)
  expect(received.overfull()).toBe(false)
  await tell('c', 1_009_000)
  expect(received.overfull()).toBe(true)
  await at(1_000_200)
  expect(received.overfull()).toBe(false)
  expect(received.cover({ jti: 'c' })).toBe(true)
})
