import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDependency, type Dependency } from '../../../src/remote/calls/dependency.ts'
import { createHedge } from '../../../src/remote/calls/hedge.ts'
import type { HttpAnswer, HttpRequest } from '../../../src/remote/calls/http-client.ts'
import { createAsk, type QuestionOptions } from '../../../src/remote/introspection/question.ts'

let dependency: Dependency
beforeEach(() => {
  dependency = createDependency('introspection')
})
afterEach(() => dependency.close())

function question(send: (request: HttpRequest) => Promise<HttpAnswer>, options: Partial<QuestionOptions> = {}) {
  const http = { send, close: async () => undefined }
  return createAsk({
    endpoint: async () => 'https://id.example/introspect',
    timeoutMs: 300,
    retries: 0,
    client: { http, send, postForm: (request) => send({ ...request, method: 'POST' }) },
    hedge: undefined,
    readSigned: undefined,
    dependency,
    ...options,
  })
}

test('is over at its deadline, also where it is asked a second time meanwhile', async () => {
  const left: number[] = []
  let slow = false
  const ask = question(
    async ({ timeoutMs }) => {
      left.push(timeoutMs)
      if (!slow) return { status: 200, json: { active: false } }
      const begun = performance.now()
      if (left.length === 1) while (performance.now() - begun < 100);
      await delay(timeoutMs)
      throw new Error('too late')
    },
    { hedge: createHedge(0.5) },
  )
  // What is usual is about 0 ms then: the second follows the first as soon as that lets it.
  for (let count = 0; count < 30; count++) await ask('a')
  slow = true
  left.length = 0
  await expect(ask('a')).rejects.toThrow('introspection')
  expect(left).toHaveLength(2)
  expect(left[1]).toBeLessThanOrEqual(200)
})

test('that is asked twice ends the one that has lost', async () => {
  const signals: (AbortSignal | undefined)[] = []
  let slow = false
  const ask = question(
    async ({ signal }) => {
      signals.push(signal)
      if (slow && signals.length === 1) await once(signal ?? new EventTarget(), 'abort')
      return { status: 200, json: { active: true } }
    },
    { hedge: createHedge(0.5) },
  )
  for (let count = 0; count < 30; count++) await ask('a')
  slow = true
  signals.length = 0
  expect(await ask('a')).toEqual({ active: true })
  expect(signals.map((signal) => signal?.aborted)).toEqual([true, true])
})

test.each<[what: string, answer: HttpAnswer]>([
  ['a list', { status: 200, json: [] }],
  ['activity that is text', { status: 200, json: { active: 'yes' } }],
  ['another status', { status: 400, json: { active: true } }],
])('%s is no answer', async (_what, answer) => {
  await expect(question(async () => answer)('a')).rejects.toThrow('introspection')
})

test('of a token that is not active, nothing is believed', async () => {
  expect(await question(async () => ({ status: 200, json: { active: false, sub: 'a' } }))('a')).toBeUndefined()
})
