import { createPublicKey } from 'node:crypto'
import { jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createOutgoingClient, type OutgoingClient } from '../../src/outgoing/client.ts'
import { OutgoingError } from '../../src/outgoing/error.ts'
import { createRemoteJwks, type RemoteJwks } from '../../src/outgoing/remote-jwks.ts'
import { type HttpsHost, startHttpsHost } from '../support/https-host.ts'
import { createJwkPair, type JwkPair } from '../support/jwk-pair.ts'

const url = 'https://keys.example/jwks'
const old = await createJwkPair('old')
const fresh = await createJwkPair('fresh')
const replaced = await createJwkPair('old')
const setOf = (...pairs: JwkPair[]) => ({ keys: pairs.map(({ publicJwk }) => publicJwk) })

const minute = 60_000
const hour = 60 * minute
let time = 0
/** What the host answers; it also counts. A fake, so that time can be moved and answers held back. */
let answer: () => Promise<unknown>
let asked = 0
let remote: RemoteJwks

beforeEach(() => {
  time = Date.parse('2026-01-01')
  asked = 0
  answer = async () => setOf(old)
  const fetchJson = () => {
    asked += 1
    return answer()
  }
  remote = createRemoteJwks({ fetchJson }, () => time)
})

const down = () => Promise.reject(new OutgoingError('unreachable', 'keys.example'))
const verify = (token: string, at = url) =>
  remote
    .at(at)
    .verify((getKey) => jwtVerify(token, getKey, { algorithms: ['ES256'] }))
    .then(
      () => 'verified',
      (error) => error.code ?? error.reason,
    )
const turns = () => new Promise((resolve) => setTimeout(resolve, 20))

const noKey = 'ERR_JWKS_NO_MATCHING_KEY'
const badSignature = 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'

describe('keys behind a URL', () => {
  test('are asked for once, however many need them at the same time', async () => {
    const token = await old.sign()
    const results = await Promise.all(Array.from({ length: 100 }, () => verify(token)))
    expect(new Set(results)).toEqual(new Set(['verified']))
    expect(asked).toBe(1)
  })

  test('are kept apart by URL', async () => {
    await verify(await old.sign())
    answer = async () => setOf(fresh)
    expect(await verify(await fresh.sign(), 'https://keys.example/other')).toBe('verified')
    expect(await verify(await old.sign(), 'https://keys.example/other')).toBe(noKey)
    expect(asked).toBe(2)
  })

  test('are fetched anew in the background before they are too old, and nobody waits', async () => {
    const token = await old.sign()
    await verify(token)
    time += 6 * minute
    let release: (set: unknown) => void = () => undefined
    answer = () => new Promise((resolve) => (release = resolve))
    expect(await Promise.all([verify(token), verify(token)])).toEqual(['verified', 'verified'])
    expect(asked).toBe(2)
    release(setOf(fresh))
    await turns()
    expect(await verify(token)).toBe(noKey)
  })

  test('that are old are waited for: a key withdrawn long ago verifies nothing', async () => {
    await verify(await old.sign())
    time += hour
    answer = async () => setOf(fresh)
    expect(await verify(await old.sign())).toBe(noKey)
    expect(await verify(await fresh.sign())).toBe('verified')
    expect(asked).toBe(2)
  })

  test('that are all withdrawn verify nothing', async () => {
    await verify(await old.sign())
    time += hour
    answer = async () => ({ keys: [] })
    expect(await verify(await old.sign())).toBe(noKey)
  })
})

describe('while the host is down', () => {
  test('they are kept for a day, and the host is asked once in each cooldown', async () => {
    const token = await old.sign()
    await verify(token)
    answer = down
    time += 23 * hour
    for (let index = 0; index < 50; index += 1) expect(await verify(token)).toBe('verified')
    expect(asked).toBe(2)
    time += 11_000
    expect(await verify(token)).toBe('verified')
    await turns()
    expect(asked).toBe(3)
    time += hour
    expect(await verify(token)).toBe('unreachable')
  })

  test('and none are known, it is asked once in each cooldown', async () => {
    answer = down
    for (let index = 0; index < 50; index += 1) expect(await verify(await old.sign())).toBe('unreachable')
    expect(asked).toBe(1)
    answer = async () => setOf(old)
    expect(await verify(await old.sign())).toBe('unreachable')
    time += 10_000
    expect(await verify(await old.sign())).toBe('verified')
  })

  test('what it answers in place of keys changes nothing', async () => {
    const token = await old.sign()
    await verify(token)
    for (const nonsense of [null, [], {}, { keys: {} }, { keys: Array.from({ length: 33 }, () => old.publicJwk) }]) {
      time += hour
      answer = async () => nonsense
      expect(await verify(token)).toBe('verified')
    }
  })
})

test('a key is looked for among newer ones where it is missing, once in each cooldown', async () => {
  const key = createPublicKey({ key: { ...fresh.publicJwk }, format: 'jwk' })
  const includes = () => remote.at(url).includes(key)
  expect([await includes(), await includes(), asked]).toEqual([false, false, 1])
  answer = async () => setOf(old, fresh)
  expect([await includes(), asked]).toEqual([false, 1])
  time += minute
  expect([await includes(), await includes(), asked]).toEqual([true, true, 2])
  answer = down
  time += 6 * minute
  expect(await includes()).toBe(true)
  await expect(
    createRemoteJwks({ fetchJson: down }, () => time)
      .at(url)
      .includes(key),
  ).rejects.toThrow()
})

describe('an unknown kid', () => {
  test('leads to the new keys, once the cooldown is over', async () => {
    await verify(await old.sign())
    answer = async () => setOf(old, fresh)
    expect(await verify(await fresh.sign())).toBe(noKey)
    time += 10_000
    expect(await verify(await fresh.sign())).toBe('verified')
    expect(asked).toBe(2)
  })

  test('of many at once after a rotation, each gets the new key', async () => {
    await verify(await old.sign())
    time += minute
    answer = async () => {
      await turns()
      return setOf(fresh)
    }
    const token = await fresh.sign()
    const results = await Promise.all(Array.from({ length: 20 }, () => verify(token)))
    expect(new Set(results)).toEqual(new Set(['verified']))
    expect(asked).toBe(2)
  })

  test('made up by strangers does not make the host be asked all the time', async () => {
    await verify(await old.sign())
    time += minute
    for (let index = 0; index < 50; index += 1)
      expect(await verify(await old.sign({}, { kid: `${index}` }))).toBe(noKey)
    expect(asked).toBe(2)
    expect(await verify(await old.sign())).toBe('verified')
  })
})

describe('a wrong signature', () => {
  test('may mean that the host has replaced the key under its kid', async () => {
    await verify(await old.sign())
    time += minute
    answer = async () => setOf(replaced)
    expect(await verify(await replaced.sign())).toBe('verified')
    expect(await verify(await old.sign())).toBe(badSignature)
    expect(asked).toBe(2)
  })

  test('made up by strangers does not make the host be asked all the time', async () => {
    await verify(await old.sign())
    time += minute
    for (let index = 0; index < 50; index += 1) expect(await verify(await replaced.sign())).toBe(badSignature)
    expect(asked).toBe(2)
  })

  test('stays one where the host is down', async () => {
    await verify(await old.sign())
    time += minute
    answer = down
    expect(await verify(await replaced.sign())).toBe(badSignature)
    expect(await verify(await old.sign())).toBe('verified')
  })
})

test('secrets in a set verify nothing', async () => {
  answer = async () => ({ keys: [old.privateJwk, { kty: 'oct', k: 'c2VjcmV0', kid: 'oct' }, fresh.publicJwk] })
  expect(await verify(await old.sign())).toBe(noKey)
  expect(await verify(await fresh.sign())).toBe('verified')
})

test('the least used sets are forgotten, however many URLs strangers register', async () => {
  const token = await old.sign()
  await verify(token)
  for (let index = 0; index < 10_000; index += 1)
    remote.at(`https://keys.example/${index}`).verify(async () => undefined)
  await turns()
  expect(await verify(token)).toBe('verified')
  expect(asked).toBe(10_002)
})

describe('over the network', () => {
  let host: HttpsHost
  let client: OutgoingClient
  let body: string
  let type: string

  beforeAll(async () => {
    host = await startHttpsHost((_request, response) => void response.setHeader('content-type', type).end(body))
    client = createOutgoingClient({ allowPrivate: true, ca: [host.ca], resolve: async () => ['127.0.0.1'] })
  })
  afterAll(async () => {
    await client.close()
    await host.close()
  })

  test.each([
    ['application/jwk-set+json', JSON.stringify(setOf(old)), 'verified'],
    ['application/json', JSON.stringify(setOf(old)), 'verified'],
    ['text/html', JSON.stringify(setOf(old)), 'bad_content_type'],
    ['application/json', JSON.stringify({ ...setOf(old), padding: 'a'.repeat(200_000) }), 'too_large'],
    ['application/json', '<html>', 'not_json'],
    ['application/json', '[]', 'unexpected_content'],
  ])('%s, %.20s: %s', async (contentType, text, result) => {
    type = contentType
    body = text
    remote = createRemoteJwks(client, () => time)
    expect(await verify(await old.sign(), `${host.origin}/jwks`)).toBe(result)
  })
})
