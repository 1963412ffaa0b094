import { afterEach, describe, expect, test } from 'vitest'
import { startBench, type TestBench, withIntrospection } from '../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

describe('what is no token (RFC 6750 section 2.1)', () => {
  test.each([
    'Bearer',
    'Bearer ',
    'Bearer  abc',
    'Bearer a b',
    'Bearer abc, Bearer def',
    'Bearer a"b',
    'DPoP a=b',
    'Bearer é',
  ])('%s', async (value) => {
    bench = await startBench({ issuer: withIntrospection })
    const headers = ['authorization', value]
    for (let count = 0; count < 2; count++) {
      expect(await bench.decide(headers)).toMatchObject({ status: 401, body: { error: 'invalid_request' } })
    }
    expect(bench.issuer.calls.introspection).toBe(0)
  })
})
