/** When keys are fetched in the background, and what is believed of an answer. */
import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createDependency } from '../../../src/remote/calls/dependency.ts'
import type { HttpAnswer } from '../../../src/remote/calls/http-client.ts'
import { createJwks } from '../../../src/remote/jwt/jwks.ts'

const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const json = { keys: [{ ...jwk, kid: 'k1' }] }

let stop = () => {}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})

afterEach(() => {
  stop()
  vi.useRealTimers()
})

function keysFrom(answer: () => HttpAnswer) {
  let [time, sent] = [1_700_000_000_000, 0]
  const dependency = createDependency('issuer jwks')
  const jwks = createJwks({
    url: async () => 'https://issuer.example/jwks',
    timeoutMs: 1_000,
    http: {
      async send() {
        sent += 1
        return answer()
      },
      close: async () => undefined,
    },
    dependency,
    burst: async (work) => work(),
    now: () => time,
    random: () => 0,
  })
  jwks.start()
  stop = () => {
    jwks.close()
    dependency.close()
  }
  return {
    jwks,
    sent: () => sent,
    /** Looks as often as in that time, at a clock that moves on by it at once. */
    async after(ms: number) {
      time += ms
      for (let looks = 0; looks < 20; looks++) await vi.advanceTimersByTimeAsync(100)
      return sent
    },
  }
}

test('a set that comes with an error is none', async () => {
  const { jwks, after } = keysFrom(() => ({ status: 500, json }))
  await after(0)
  expect(jwks.known()).toBe(false)
})

test('keys are fetched when they are due, and not at each look', async () => {
  const { jwks, sent, after } = keysFrom(() => ({ status: 200, json }))
  await after(0)
  expect([jwks.known(), sent()]).toEqual([true, 1])
  expect(await after(239_000)).toBe(1)
  expect(await after(2_000)).toBe(2)
})

test('keys that could not be fetched anew are asked for again after the cooldown only', async () => {
  let status = 200
  const { jwks, after } = keysFrom(() => ({ status, json }))
  await after(0)
  status = 503
  expect(await after(250_000)).toBe(2)
  expect(await after(9_000)).toBe(2)
  expect(await after(2_000)).toBe(3)
  expect(jwks.known()).toBe(true)
})

test('keys that were never known are asked for more and more seldom, but soon', async () => {
  const { after } = keysFrom(() => ({ status: 503, json: undefined }))
  // Half of 250 ms, doubled with each failure.
  expect(await after(0)).toBe(1)
  expect(await after(240)).toBe(1)
  expect(await after(20)).toBe(2)
  expect(await after(480)).toBe(2)
  expect(await after(40)).toBe(3)
  expect(await after(960)).toBe(3)
  expect(await after(80)).toBe(4)
})
