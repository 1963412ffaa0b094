import { createHmac } from 'node:crypto'
import { request as rawRequest } from 'node:http'
import { dpopAlgorithms } from '@postern/protocol/dpop'
import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { createDpopKey, type DpopKey } from '../support/dpop.ts'
import { type Answer, basic, type Credentials, postForm, send } from '../support/http.ts'
import { startReplica, startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

const grant = { grant_type: 'client_credentials' }

describe.each(databases)('DPoP at the token endpoint on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let client: Credentials
  let key: DpopKey

  useTenant(start, async (bench) => {
    server = bench.server
    tenant = bench.tenant
    client = await tenant.client()
    key = await createDpopKey('ES256', server.now)
  })

  const url = () => `${tenant.issuer}/token`
  const ask = (proof: string, of = tenant, by = client) => postForm(`${of.issuer}/token`, grant, by, { dpop: proof })
  const errorOf = ({ status, json }: Answer) => [status, json.error]
  const refused = [400, 'invalid_dpop_proof']

  test.each(dpopAlgorithms)('binds the token to a key of %s', async (algorithm) => {
    const prover = await createDpopKey(algorithm, server.now)
    const answer = await ask(await prover.prove({ htu: url() }))
    expect(answer.json).toMatchObject({ token_type: 'DPoP', expires_in: 300 })
    const { json } = await tenant.introspect(client, String(answer.json.access_token))
    expect(json).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: prover.thumbprint } })
  })

  test('binds opaque tokens too', async () => {
    const opaque = await tenant.client({ access_token_format: 'opaque' })
    const answer = await ask(await key.prove({ htu: url() }), tenant, opaque)
    expect(answer.json.token_type).toBe('DPoP')
    const { json } = await tenant.introspect(opaque, String(answer.json.access_token))
    expect(json).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.thumbprint } })
  })

  test('binds nothing where there is no proof', async () => {
    const answer = await tenant.tokenAnswer(client)
    expect(answer.json.token_type).toBe('Bearer')
    expect((await tenant.introspect(client, String(answer.json.access_token))).json).not.toHaveProperty('cnf')
  })

  test('is in the metadata', async () => {
    const { json } = await send(`${tenant.issuer}/.well-known/openid-configuration`)
    expect(json.dpop_signing_alg_values_supported).toEqual(dpopAlgorithms)
  })

  describe('a replayed proof', () => {
    test('is refused, also of another client and with a failed request before', async () => {
      const other = await tenant.client()
      const proof = await key.prove({ htu: url() })
      expect((await ask(proof)).status).toBe(200)
      expect(errorOf(await ask(proof))).toEqual(refused)
      expect(errorOf(await ask(proof, tenant, other))).toEqual(refused)
      const failed = await key.prove({ htu: url() })
      const wrongScope = await postForm(url(), { ...grant, scope: 'unknown' }, client, { dpop: failed })
      expect(wrongScope.json.error).toBe('invalid_scope')
      expect(errorOf(await ask(failed))).toEqual(refused)
    })

    test('is one however it is spelled', async () => {
      const jti = 'the-same-jti'
      expect((await ask(await key.prove({ htu: url(), jti }))).status).toBe(200)
      expect(errorOf(await ask(await key.prove({ htu: url(), jti, more: 1 })))).toEqual(refused)
    })

    test('is told from one of another key that chose the same jti', async () => {
      const other = await createDpopKey('ES256', server.now)
      expect((await ask(await key.prove({ htu: url(), jti: 'chosen' }))).status).toBe(200)
      expect((await ask(await other.prove({ htu: url(), jti: 'chosen' }))).status).toBe(200)
    })

    test('succeeds once among many at the same time', async () => {
      const proof = await key.prove({ htu: url() })
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(proof)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 400)).toHaveLength(19)
    })

    test('stays refused as long as it is not too old', async () => {
      const proof = await key.prove({ htu: url() })
      expect((await ask(proof)).status).toBe(200)
      for (let seconds = 0; seconds < 90; seconds += 15) {
        server.advance(15_000)
        expect(errorOf(await ask(proof))).toEqual(refused)
      }
    })
  })

  describe('a proof for something else', () => {
    test.each<[string, () => Record<string, unknown>]>([
      ['another method', () => ({ htm: 'GET' })],
      ['the method in other letters', () => ({ htm: 'post' })],
      ['another endpoint', () => ({ htu: `${tenant.issuer}/introspect` })],
      ['another auth server', () => ({ htu: `${server.origin}/system/token` })],
      ['another host', () => ({ htu: `https://attacker.example/${tenant.id}/token` })],
      ['another port', () => ({ htu: `http://127.0.0.1:1/${tenant.id}/token` })],
      ['another scheme', () => ({ htu: url().replace('http:', 'https:') })],
      ['a path alone', () => ({ htu: `/${tenant.id}/token` })],
      ['a longer path', () => ({ htu: `${url()}/` })],
      ['a URL with a user', () => ({ htu: url().replace('//', '//user@') })],
      ['htu as a list', () => ({ htu: [url()] })],
      ['htu as an object', () => ({ htu: { toString: url() } })],
    ])('%s', async (_, change) => {
      expect(errorOf(await ask(await key.prove({ htu: url(), ...change() })))).toEqual(refused)
    })

    test('the host that a request names is not believed', async () => {
      const proof = await key.prove({ htu: `http://attacker.example/${tenant.id}/token` })
      const answer = await rawPost(url(), { ...basic(client), dpop: proof, host: 'attacker.example' })
      expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('invalid_dpop_proof') })
    })

    test('but query, fragment and spelling of the URL are not compared', async () => {
      const spellings = [
        `${url()}?a=b`,
        `${url()}#c`,
        url().replace('http:', 'HTTP:'),
        url().replace('token', 'tok%65n'),
      ]
      for (const htu of spellings) expect((await ask(await key.prove({ htu }))).status).toBe(200)
    })
  })

  describe('a proof out of its time', () => {
    test.each([
      ['a minute old', -60, 200],
      ['older', -70, 400],
      ['an hour old', -3_600, 400],
      ['from a clock that is a little ahead', 4, 200],
      ['from the future', 10, 400],
      ['from far ahead', 86_400, 400],
    ])('%s', async (_, seconds, status) => {
      const iat = Math.floor(server.now() / 1000) + seconds
      expect((await ask(await key.prove({ htu: url(), iat }))).status).toBe(status)
    })

    test.each([
      ['expired by its own word', { exp: 1 }],
      ['not valid yet', { nbf: 4_000_000_000 }],
      ['an iat that is no time', { iat: 1e300 }],
      ['an iat before all time', { iat: -1e300 }],
    ])('%s', async (_, claims) => {
      expect(errorOf(await ask(await key.prove({ htu: url(), ...claims })))).toEqual(refused)
    })
  })

  describe('algorithm confusion and keys of others', () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = () => ({ jti: 'a', htm: 'POST', htu: url(), iat: Math.floor(server.now() / 1000) })

    test('alg none, with and without a signature', async () => {
      for (const signature of ['', 'AAAA']) {
        const proof = `${encode({ typ: 'dpop+jwt', alg: 'none', jwk: key.publicJwk })}.${encode(claims())}.${signature}`
        expect(errorOf(await ask(proof))).toEqual(refused)
      }
    })

    test('HS256 with the public key as secret', async () => {
      const input = `${encode({ typ: 'dpop+jwt', alg: 'HS256', jwk: key.publicJwk })}.${encode(claims())}`
      const signature = createHmac('sha256', JSON.stringify(key.publicJwk)).update(input).digest('base64url')
      expect(errorOf(await ask(`${input}.${signature}`))).toEqual(refused)
    })

    test('a private key embedded', async () => {
      expect(errorOf(await ask(await key.prove({ htu: url() }, { jwk: key.privateJwk })))).toEqual(refused)
    })

    test("another's public key embedded: the key swapped after signing", async () => {
      const victim = await createDpopKey('ES256', server.now)
      expect(errorOf(await ask(await key.prove({ htu: url() }, { jwk: victim.publicJwk })))).toEqual(refused)
    })

    test('the algorithm of one kind with a key of another', async () => {
      const rsa = await createDpopKey('RS256', server.now)
      expect(errorOf(await ask(await key.prove({ htu: url() }, { jwk: rsa.publicJwk })))).toEqual(refused)
      const p384 = await createDpopKey('ES384', server.now)
      expect(errorOf(await ask(await key.prove({ htu: url() }, { jwk: p384.publicJwk })))).toEqual(refused)
    })

    test('crit', async () => {
      const proof = await key.prove({ htu: url() }, { crit: ['exp'], exp: 1 })
      expect(errorOf(await ask(proof))).toEqual(refused)
    })

    test('other sources of keys mean nothing', async () => {
      const jku = 'http://127.0.0.1:1/jwks'
      expect((await ask(await key.prove({ htu: url() }, { jku, x5u: jku, kid: 'x', x5c: ['AAAA'] }))).status).toBe(200)
      expect(errorOf(await ask(await key.prove({ htu: url() }, { jwk: undefined, jku, kid: 'x' })))).toEqual(refused)
    })

    test('changed claims, changed and cut signatures', async () => {
      const [header, , signature] = (await key.prove({ htu: url() })).split('.')
      for (const proof of [
        `${header}.${encode(claims())}.${signature}`,
        `${header}.${encode(claims())}.`,
        `${header}.${encode(claims())}`,
        `${header}..${signature}`,
      ]) {
        expect(errorOf(await ask(proof))).toEqual(refused)
      }
    })
  })

  describe('several or oversized headers', () => {
    test('two DPoP headers, and two proofs in one', async () => {
      const proofs = [await key.prove({ htu: url() }), await key.prove({ htu: url() })]
      expect(errorOf(await ask(proofs.join(', ')))).toEqual(refused)
      const answer = await rawPost(url(), { ...basic(client), dpop: proofs })
      expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('invalid_dpop_proof') })
    })

    test('an empty one is not taken for none', async () => {
      expect(errorOf(await ask(''))).toEqual(refused)
    })

    test('an oversized one', async () => {
      expect(errorOf(await ask(await key.prove({ htu: url(), more: 'a'.repeat(6_000) })))).toEqual(refused)
      expect(errorOf(await ask(await key.prove({ htu: url(), jti: 'a'.repeat(257) })))).toEqual(refused)
    })
  })

  describe('nonces', () => {
    let strict: Tenant
    let member: Credentials
    const prove = async (nonce?: unknown) =>
      key.prove({ htu: `${strict.issuer}/token`, ...(nonce !== undefined && { nonce }) })
    const nonceOf = (answer: Answer) => answer.headers.get('dpop-nonce')

    test('are asked for where the auth server says so, and offered with each answer', async () => {
      strict = await createTenant(server, { dpop_nonce_required: true })
      member = await strict.client()
      const first = await ask(await prove(), strict, member)
      expect(errorOf(first)).toEqual([400, 'use_dpop_nonce'])
      expect(first.headers.get('cache-control')).toBe('no-store')
      const nonce = nonceOf(first)
      const second = await ask(await prove(nonce), strict, member)
      expect([second.status, second.json.token_type]).toEqual([200, 'DPoP'])
      expect(nonceOf(second)).toBe(nonce)
      // A nonce is good for any number of proofs, each of them once.
      const proof = await prove(nonce)
      expect((await ask(proof, strict, member)).status).toBe(200)
      expect(errorOf(await ask(proof, strict, member))).toEqual(refused)
      // The next one is there before the last one ends.
      server.advance(60_000)
      const later = await ask(await prove(nonce), strict, member)
      expect(later.status).toBe(200)
      expect(nonceOf(later)).not.toBe(nonce)
      server.advance(60_000)
      expect(errorOf(await ask(await prove(nonce), strict, member))).toEqual([400, 'use_dpop_nonce'])
      expect((await ask(await prove(nonceOf(later)), strict, member)).status).toBe(200)
    })

    test('that are made up, or of another auth server, are refused with a right one', async () => {
      const other = await createTenant(server, { dpop_nonce_required: true })
      const foreign = nonceOf(await ask(await prove(), other, await other.client()))
      for (const nonce of ['', 'made-up', foreign, `${foreign}A`]) {
        const answer = await ask(await prove(nonce), strict, member)
        expect(errorOf(answer)).toEqual([400, 'use_dpop_nonce'])
        expect(nonceOf(answer)).toMatch(/^[A-Za-z0-9_-]{43}$/)
      }
      expect(errorOf(await ask(await prove(['a']), strict, member))).toEqual(refused)
    })

    test('a proof that was refused for its nonce was not used up', async () => {
      const proof = await prove()
      expect(errorOf(await ask(proof, strict, member))).toEqual([400, 'use_dpop_nonce'])
      await server.admin('PATCH', `/auth-servers/${strict.id}`, { dpop_nonce_required: null })
      expect((await ask(proof, strict, member)).status).toBe(200)
    })

    test('mean nothing where none is asked for', async () => {
      const answer = await ask(await key.prove({ htu: url(), nonce: 'from another time' }))
      expect([answer.status, nonceOf(answer)]).toEqual([200, null])
    })
  })
})

describe.each(databases.filter(({ kind }) => kind === 'postgres'))('DPoP on two replicas on $kind', ({ start }) => {
  test('one proof at both at the same time succeeds once; nonces of one are good at the other', async () => {
    const store = await start()
    const here = await startTestServer(store)
    const there = await startReplica(store, here)
    try {
      const tenant = await createTenant(here, { dpop_nonce_required: true })
      const client = await tenant.client()
      const key = await createDpopKey()
      const htu = `${tenant.issuer}/token`
      const ask = (address: string, dpop: string) => postForm(`${address}/${tenant.id}/token`, grant, client, { dpop })
      const asked = await ask(here.address, await key.prove({ htu }))
      const nonce = asked.headers.get('dpop-nonce')
      for (let round = 0; round < 20; round += 1) {
        const proof = await key.prove({ htu, nonce })
        const answers = await Promise.all([here, there, here, there].map(({ address }) => ask(address, proof)))
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400, 400, 400])
      }
    } finally {
      await there.close()
      await here.close()
      await store.stop()
    }
  })
})

/** With headers that `fetch` would not send. */
function rawPost(
  url: string,
  headers: Record<string, string | string[]>,
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const body = new URLSearchParams(grant).toString()
    const type = 'application/x-www-form-urlencoded'
    const request = rawRequest(url, { method: 'POST', headers: { 'content-type': type, ...headers } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += String(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode, body: text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}
