import { afterEach, expect, test } from 'vitest'
import { startBench, type TestBench } from '../../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

const setHeaders = async (headers: string[]) => {
  const decision = await bench.decide(headers)
  return decision.decision === 'allow' ? decision.set_headers : decision.decision
}

test('a token from a cookie does not reach the upstream, and the other cookies do', async () => {
  bench = await startBench({ policy: 'token_from: [{ cookie: sid }, { header: authorization }]' })
  const token = await bench.issuer.mint()
  const decision = await bench.decide(['Cookie', `a=b; sid=${token}`, 'cookie', 'c=d'])
  expect(decision).toMatchObject({ decision: 'allow', remove_headers: expect.arrayContaining(['cookie']) })
  expect(await setHeaders(['Cookie', `a=b; sid=${token}`, 'cookie', 'c=d'])).toMatchObject({ cookie: 'a=b; c=d' })
  expect(await setHeaders(['Cookie', `a=b; sid =${token}`])).toMatchObject({ cookie: 'a=b' })
  expect(await setHeaders(['Cookie', `sid=${token}`])).not.toHaveProperty('cookie')
  // Also where the token came from elsewhere, and not from one request to the next.
  expect(await setHeaders(['authorization', `Bearer ${token}`, 'cookie', 'e=f'])).toMatchObject({ cookie: 'e=f' })
})

test('cookies are left alone where the caller’s token is forwarded', async () => {
  bench = await startBench({ policy: 'token_from: [{ cookie: sid }]\n    caller_token: forward' })
  const decision = await bench.decide(['Cookie', `sid=${await bench.issuer.mint()}`])
  expect(decision.decision === 'allow' && decision.remove_headers).not.toContain('cookie')
})
