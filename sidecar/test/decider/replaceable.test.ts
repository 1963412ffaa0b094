import type { Decision } from '@postern/protocol/decision'
import { expect, test } from 'vitest'
import { unavailable, unknownPolicy } from '../../src/decider/refusals.ts'
import { createReplaceableDecider } from '../../src/decider/replaceable.ts'

const request = { method: 'GET', uri: '/', headers: [] }

test('what is under way is answered by the old decider, what comes later by the new one', async () => {
  let answer: (decision: Decision) => void = () => undefined
  const decider = createReplaceableDecider({
    decide: () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  })
  const waiting = decider.decide('main', request)
  expect(decider.underWay()).toBe(1)
  let drained = false
  const replaced = decider.replace({ decide: () => unknownPolicy }).then(() => {
    drained = true
  })
  expect(decider.decide('main', request)).toBe(unknownPolicy)
  await Promise.resolve()
  expect(drained).toBe(false)
  answer(unavailable)
  expect(await waiting).toBe(unavailable)
  await replaced
  expect(decider.underWay()).toBe(0)
})

test('nothing under way: the old decider is drained at once', async () => {
  const decider = createReplaceableDecider({ decide: () => unknownPolicy })
  decider.decide('main', request)
  await decider.replace({ decide: () => unavailable })
  expect(decider.decide('main', request)).toBe(unavailable)
})

test('other work with what the old decider is made of is waited for as well, however it ends', async () => {
  const decider = createReplaceableDecider({ decide: () => unknownPolicy })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const works = [decider.during(() => promise), decider.during(() => promise)]
  expect(decider.underWay()).toBe(2)
  let drained = false
  const replaced = decider.replace({ decide: () => unavailable }).then(() => {
    drained = true
  })
  await Promise.resolve()
  expect(drained).toBe(false)
  reject(new Error('failed'))
  resolve('too late')
  await expect(Promise.all(works)).rejects.toThrow('failed')
  await replaced
  expect(decider.underWay()).toBe(0)
})
