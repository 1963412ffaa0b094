import { expect, test } from 'vitest'
import type { HttpAnswer } from '../../../src/remote/calls/http-client.ts'
import { sendPatiently } from '../../../src/remote/calls/retry.ts'

const answer = (status: number): HttpAnswer => ({ status, json: undefined })
const failure = (code: string) => Object.assign(new Error('failed'), { code })
/** Answers one after the other, the last one for good. */
function scripted(...outcomes: (HttpAnswer | Error)[]) {
  const left: number[] = []
  const send = async (leftMs: () => number) => {
    left.push(leftMs())
    const outcome = outcomes[Math.min(left.length, outcomes.length) - 1]
    if (!outcome || outcome instanceof Error) throw outcome
    return outcome
  }
  return { left, send }
}
const patience = { retries: 2, withinMs: 2_000, random: () => 0 }

test.each([
  ['a connection that was reset', failure('ECONNRESET')],
  ['a connection that was refused', failure('ECONNREFUSED')],
  ['a connection that was closed', failure('UND_ERR_SOCKET')],
  ['a 500', answer(500)],
  ['a 503', answer(503)],
])('%s is followed by another request, with the time that is left', async (_what, first) => {
  const { send, left } = scripted(first, answer(200))
  expect(await sendPatiently(send, patience)).toEqual(answer(200))
  expect(left).toHaveLength(2)
  expect(left[1]).toBeLessThan(left[0] ?? 0)
})

test.each([
  ['a 401', answer(401)],
  ['a 200', answer(200)],
])('%s is an answer', async (_what, first) => {
  const { send, left } = scripted(first)
  expect(await sendPatiently(send, patience)).toEqual(first)
  expect(left).toHaveLength(1)
})

test.each([
  ['a deadline that has passed', new DOMException('late', 'TimeoutError')],
  ['an answer that is too large', failure('UND_ERR_RES_EXCEEDED_MAX_SIZE')],
  ['anything else', new SyntaxError('no JSON')],
])('%s is final', async (_what, error) => {
  const { send, left } = scripted(error)
  await expect(sendPatiently(send, patience)).rejects.toBe(error)
  expect(left).toHaveLength(1)
})

test('the last outcome counts once there are no more retries', async () => {
  const failed = scripted(failure('ECONNRESET'))
  await expect(sendPatiently(failed.send, patience)).rejects.toThrow('failed')
  expect(failed.left).toHaveLength(3)
  const refused = scripted(answer(502))
  expect(await sendPatiently(refused.send, patience)).toEqual(answer(502))
  expect(refused.left).toHaveLength(3)
})

test('nothing is sent when no time would be left for it', async () => {
  const { send, left } = scripted(answer(500))
  expect(await sendPatiently(send, { ...patience, withinMs: 5 })).toEqual(answer(500))
  expect(left).toHaveLength(1)
})
