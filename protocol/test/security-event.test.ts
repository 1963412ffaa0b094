import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { feedAudience, PollRequest } from '../src/security-event.ts'

test('events are for the feed of their issuer', () => {
  expect(feedAudience('https://issuer.example/a')).toBe('https://issuer.example/a/events/poll')
})

describe('PollRequest', () => {
  test.each([
    {},
    { after: '0' },
    { after: '0c8f7f2e-1d2f-4a53-9f43-3f8dbb7b9b11.123456789012345' },
    { maxEvents: 0 },
    { maxEvents: 1, returnImmediately: true },
    { ack: ['a', 'b'], setErrs: { c: { err: 'invalid_audience', description: 'not mine' } } },
  ])('%j', (poll) => {
    expect(Value.Check(PollRequest, poll)).toBe(true)
  })

  test.each([
    { after: 1 },
    { after: '' },
    { after: 'a b' },
    { after: 'a'.repeat(101) },
    { maxEvents: -1 },
    { maxEvents: 1e9 },
    { ack: 'a' },
    { ack: Array.from({ length: 1_001 }, () => 'a') },
    { setErrs: [] },
    { before: 'a' },
  ])('not %j', (poll) => {
    expect(Value.Check(PollRequest, poll)).toBe(false)
  })
})
