/** Tokens for upstreams in the whole sidecar, against an issuer that does as it is told. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { selfSign } from '@postern/tools/certificates'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { type Behaviour, clientId, failures } from '../support/issuer.ts'
import { addressOf, eventually, redisInstalled, startRedis } from '../support/redis.ts'
import {
  type BenchOptions,
  benchConfig,
  plainUpstream,
  startBench,
  type TestBench,
  withUpstream,
} from '../support/sidecar.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let bench: TestBench | undefined

beforeAll(async () => {
  folder = await temporaryFolder('upstream')
})

afterEach(async () => {
  await bench?.close()
  bench = undefined
})

afterAll(() => folder.remove())

/** For crowds: on a busy machine, they take longer than the usual deadline. */
const patientUpstream = (url: string) => plainUpstream(url).replace('timeout_ms: 300', 'timeout_ms: 10000')

async function started(options: BenchOptions = {}) {
  const running = await startBench({ policy: withUpstream, ...options })
  bench = running
  const caller = `Bearer ${await running.issuer.mint()}`
  return {
    ...running,
    caller,
    /** The upstream's token in a decision; the status where there is none. */
    token: async (authorization = caller) => {
      const { status, headers } = await running.ask(authorization)
      return status === 200 ? headers.get('authorization')?.replace('Bearer ', '') : status
    },
  }
}

describe('the token of an upstream', () => {
  test('is fetched once for a thousand who wait', async () => {
    const { ask, caller, token, issuer } = await started({
      upstream: patientUpstream,
      more: '  plain: { issuers: [test] }',
    })
    // With the keys already there, everybody waits for the same.
    expect((await ask(caller, 'plain')).status).toBe(200)
    const tokens = await Promise.all(Array.from({ length: 1_000 }, () => token()))
    expect(new Set(tokens)).toEqual(new Set(['upstream-token-1']))
    expect(issuer.calls.token).toBe(1)
  })

  test('is there before anybody asks again, after a silence', async () => {
    const { token, issuer, clock } = await started()
    await token()
    clock.advance(90)
    await vi.waitFor(() => expect(issuer.calls.token).toBe(2), 3_000)
    await issuer.goDown()
    expect(await token()).toBe('upstream-token-2')
    await issuer.comeBack()
  })

  test('is not fetched any more once nobody has asked for long', async () => {
    const { token, issuer, clock } = await started({ upstream: (url) => `${plainUpstream(url)}, idle_time: 60` })
    await token()
    clock.advance(90)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(issuer.calls.token).toBe(1)
    expect(await token()).toBe('upstream-token-1')
  })

  test('that cannot be had at the start is there soon after it can', async () => {
    const { token, issuer } = await started()
    await issuer.goDown()
    expect(await token(bench && `Bearer ${await issuer.mint()}`)).toBe(503)
    await issuer.comeBack()
    await vi.waitFor(async () => expect(await token()).toMatch(/^upstream-token/), 5_000)
  })

  test.each(failures)('serves until it expires while the token endpoint fails: %s', async (behaviour) => {
    const { token, issuer, clock } = await started()
    await token()
    issuer.behave('token', behaviour)
    clock.advance(85)
    expect(await token()).toBe('upstream-token-1')
    clock.advance(10)
    expect(await token()).toBe(503)
    issuer.behave('token', 'normal' satisfies Behaviour)
    await vi.waitFor(async () => expect(await token()).toMatch(/^upstream-token-[2-9]/), 5_000)
  })

  test('comes from where the metadata of its issuer says', async () => {
    const { token, issuer } = await started({
      upstream: (url) => `issuer: '${url}', client_id: ${clientId}, client_auth: none, timeout_ms: 300`,
    })
    expect(await token()).toBe('upstream-token-1')
    expect(issuer.received.token).toEqual([`grant_type=client_credentials&client_id=${clientId}`])
  })

  test('comes from where connections with a certificate go, where the metadata names such an address', async () => {
    const { cert, key } = await selfSign({ subject: '/CN=orders' })
    const tls = JSON.stringify({ certificate: { value: cert }, key: { value: key } })
    const { token, issuer } = await started({
      before: (running) =>
        running.answer('metadata', {
          issuer: running.url,
          jwks_uri: `${running.url}/jwks`,
          token_endpoint: `${running.url}/elsewhere`,
          mtls_endpoint_aliases: { token_endpoint: `${running.url}/token` },
        }),
      upstream: (url) => `issuer: '${url}', client_id: ${clientId}, client_auth: tls_client_auth, tls: ${tls}`,
    })
    expect(await token()).toBe('upstream-token-1')
    expect(issuer.calls.token).toBe(1)
  })

  test('stands in the header that is configured, in lower case', async () => {
    const { decide, caller } = await started({ upstream: (url) => `${plainUpstream(url)}, header: X-Upstream-Token` })
    expect(await decide(['authorization', caller])).toMatchObject({
      set_headers: { 'x-upstream-token': 'Bearer upstream-token-1' },
    })
  })

  test('that is asked for in another way after a reload is not asked for in the old one any more', async () => {
    const { token, issuer, clock, sidecar, log } = await started()
    await token()
    const changed = (url: string) => `${plainUpstream(url)}, scope: read`
    const options = { policy: withUpstream, upstream: changed }
    expect(await sidecar.reload(() => parseConfig(benchConfig(issuer.url, options), 'bench.yaml'))).toBe(true)
    clock.advance(90)
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(issuer.calls.token).toBe(1)
    expect(log.join('')).not.toContain('cannot be fetched')
  })

  test('is asked for with target, further parameters and the account of an old grant', async () => {
    const { token, issuer } = await started({
      upstream: (url) =>
        `${plainUpstream(url)}, scope: a b, audience: [x, y], resource: ['https://x.example', 'https://y.example'],
         parameters: { realm: one }, grant: { password: { username: batch, password: { value: hunter2 } } }`,
    })
    await token()
    expect([...new URLSearchParams(issuer.received.token[0])]).toEqual([
      ['grant_type', 'password'],
      ['username', 'batch'],
      ['password', 'hunter2'],
      ['scope', 'a b'],
      ['audience', 'x'],
      ['audience', 'y'],
      ['resource', 'https://x.example'],
      ['resource', 'https://y.example'],
      ['realm', 'one'],
    ])
  })
})

describe('a secret that is swapped', () => {
  test('is used for the next token, without a restart', async () => {
    const file = join(folder.path, 'secret')
    writeFileSync(file, 'old')
    const { token, issuer, clock } = await started({
      upstream: (url) =>
        `token_endpoint: '${url}/token', client_id: a, client_auth: client_secret_post, client_secret: { file: ${file} }`,
    })
    await token()
    writeFileSync(`${file}.new`, 'new')
    renameSync(`${file}.new`, file)
    clock.advance(101)
    await token()
    const sent = issuer.received.token.map((form) => new URLSearchParams(form).get('client_secret'))
    expect(sent).toEqual(['old', 'new'])
  })

  test('for nothing leaves the last good one, and a warning that does not hold it', async () => {
    const file = join(folder.path, 'emptied')
    writeFileSync(file, 'hunter2')
    const { token, issuer, clock, log } = await started({
      upstream: (url) => `token_endpoint: '${url}/token', client_id: a, client_secret: { file: ${file} }`,
    })
    await token()
    writeFileSync(file, '')
    clock.advance(101)
    expect(await token()).toBe('upstream-token-2')
    expect(issuer.calls.token).toBe(2)
    const warnings = log.filter((line) => line.includes('the last good one serves on'))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('orders token endpoint client_secret')
    expect(log.join('')).not.toContain('hunter2')
  })
})

describe('tokens on behalf of callers', () => {
  const exchanging = (url: string) =>
    `${patientUpstream(url)}, parameters: { realm: one }, audience: [stock], grant: { token_exchange: { actor: { scope: act } } }`

  test('are exchanged once for each caller, with a token of who acts', async () => {
    const { token, issuer, caller, admin } = await started({ upstream: exchanging })
    const other = `Bearer ${await issuer.mint({ claims: { sub: 'bob' } })}`
    const asked = [caller, other].flatMap((authorization) => Array.from({ length: 50 }, () => token(authorization)))
    const tokens = new Set(await Promise.all(asked))
    expect(tokens.size).toBe(2)
    const forms = issuer.received.token.map((form) => Object.fromEntries(new URLSearchParams(form)))
    expect(forms).toHaveLength(3)
    expect(forms[0]).toEqual({ grant_type: 'client_credentials', scope: 'act', realm: 'one' })
    expect(forms[1]).toMatchObject({ audience: 'stock', realm: 'one' })
    expect((await admin('/metrics')).body).toContain('postern_sidecar_upstream_token_callers{upstream="orders"} 2')
    expect(forms[1]).toMatchObject({ actor_token: 'upstream-token-1', subject_token: caller.replace('Bearer ', '') })
    expect(forms[2]).toMatchObject({ actor_token: 'upstream-token-1', subject_token: other.replace('Bearer ', '') })
  })

  test.skipIf(!redisInstalled)('are shared with sidecars that ask in the same way, and with no others', async () => {
    const redis = await startRedis()
    const secret = 'sealing-of-all-sidecars-0123456789'
    const asking = (members: string): BenchOptions => ({
      policy: withUpstream,
      upstream: (url) => `${patientUpstream(url)}, grant: { token_exchange: {} }, ${members}`,
      more: `redis: { nodes: ['${addressOf(redis)}'], encryption_secret: { value: ${secret} }, timeout_ms: 1000 }`,
    })
    try {
      const { issuer, caller } = await started(asking('audience: [stock]'))
      const restarted = async (members: string) => {
        bench = await bench?.restart(asking(members))
        await eventually(async () => {
          await bench?.ask(`Bearer ${await issuer.mint({ claims: { sub: 'somebody else' } })}`)
          expect((await bench?.admin('/metrics'))?.body).toMatch(/_count\{dependency="redis",outcome="success"\} [1-9]/)
        })
        return (await bench?.ask(caller))?.headers.get('authorization')
      }
      let token: string | null | undefined
      await eventually(async () => {
        const before = token
        token = await restarted('audience: [stock]')
        expect(token).toBe(before)
      })
      const others = [await restarted('audience: [orders]'), await restarted('audience: [stock], scope: read')]
      expect(new Set([token, ...others]).size).toBe(3)
    } finally {
      await redis.stop()
    }
  })

  test('that are refused may be so for the token of who acts, which is fetched anew once in a while', async () => {
    const { token, issuer, clock } = await started({ upstream: exchanging })
    await token()
    const asked = () => issuer.received.token.filter((form) => form.startsWith('grant_type=client_credentials')).length
    expect(asked()).toBe(1)
    clock.advance(11)
    issuer.behave('token', 'refused')
    expect(await token(`Bearer ${await issuer.mint({ claims: { sub: 'bob' } })}`)).toBe(503)
    issuer.behave('token', 'normal')
    await vi.waitFor(async () => {
      await token(`Bearer ${await issuer.mint({ claims: { sub: 'carol' } })}`)
      expect(asked()).toBe(2)
    }, 5_000)
  })

  test('that the issuer refuses for one caller are 503 for this one, and there for the others', async () => {
    const { token, issuer, log } = await started({ upstream: exchanging })
    await token()
    issuer.behave('token', 'refused')
    const refused = `Bearer ${await issuer.mint({ claims: { sub: 'mallory' } })}`
    expect(await Promise.all(Array.from({ length: 5 }, () => token(refused)))).toEqual(Array(5).fill(503))
    expect(issuer.calls.token).toBe(3)
    for (let times = 0; times < 20; times++) await token(`Bearer ${await issuer.mint({ claims: { sub: `${times}` } })}`)
    issuer.behave('token', 'normal')
    expect(await token(`Bearer ${await issuer.mint({ claims: { sub: 'bob' } })}`)).toMatch(/^upstream-token/)
    expect(await token()).toBe('upstream-token-2')
    expect(log.join('')).toContain('refused with invalid_grant (400)')
    expect(log.join('')).not.toContain(refused.replace('Bearer ', ''))
  })
})
