/** DPoP-bound tokens at the sidecar: what a thief of the token, of proofs, or of both tries. */
import { createHmac, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import type { Decision, DecisionRequest } from '@postern/protocol/decision'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DependencyError } from '../../../src/failures.ts'
import { createVerifyProof } from '../../../src/steps/sender-constraint/dpop-proof.ts'
import { urisAtOrigins } from '../../../src/steps/sender-constraint/request-uri.ts'
import { createDpopKey, type DpopKey, provenUri } from '../../support/dpop.ts'
import { eventually } from '../../support/redis.ts'
import { startBench, type TestBench, withFeed, withIntrospection } from '../../support/sidecar.ts'

let bench: TestBench
let key: DpopKey
let token: string

const dpop = 'dpop: { origins: [https://api.example.com] }'

const start = async (policy = dpop, issuer = '') => {
  bench = await startBench({ policy, issuer })
  key = await createDpopKey(bench.clock.now)
  token = await bench.issuer.mint({ claims: { cnf: key.cnf } })
}

afterEach(() => bench.close())

type Changes = Partial<DecisionRequest>
/** A request as our gateway tells of it. */
const request = (headers: string[], changes: Changes = {}): DecisionRequest => ({
  method: 'GET',
  uri: '/orders?page=2',
  headers,
  ...changes,
})
const decideAbout = (asked: DecisionRequest) => bench.decide(asked.headers, 'main', asked)
const ask = (proof: string, changes?: Changes, presented = token) =>
  decideAbout(request(['authorization', `DPoP ${presented}`, 'dpop', proof], changes))

const denied = (error: string, description: RegExp) => ({
  decision: 'deny',
  status: 401,
  body: { error, error_description: expect.stringMatching(description) },
})
const challengeOf = (decision: Decision) =>
  decision.decision === 'allow' ? undefined : decision.headers['www-authenticate']

describe('a token that is bound by DPoP', () => {
  beforeEach(() => start())

  test('is accepted with a proof for each request, and verified once', async () => {
    for (let count = 0; count < 3; count += 1) {
      expect(await ask(await key.prove(token))).toMatchObject({
        decision: 'allow',
        set_headers: { 'x-subject': 'alice' },
      })
    }
    expect(bench.issuer.calls.jwks).toBe(1)
  })

  test('opens this request and no other: nobody may keep the decision', async () => {
    const decision = await ask(await key.prove(token))
    const now = bench.clock.now() / 1_000
    expect(decision.decision === 'allow' && decision.expires_at).toBeGreaterThan(now - 1)
    expect(decision.decision === 'allow' && decision.expires_at).toBeLessThan(now + 2)
  })

  test('does not reach the upstream, nor does the proof', async () => {
    expect(await ask(await key.prove(token))).toMatchObject({
      remove_headers: expect.arrayContaining(['authorization', 'dpop']),
    })
  })

  test('is refused as a Bearer token, with its proof and without', async () => {
    const proof = await key.prove(token)
    for (const headers of [
      ['authorization', `Bearer ${token}`],
      ['authorization', `Bearer ${token}`, 'dpop', proof],
    ]) {
      expect(await decideAbout(request(headers))).toMatchObject(denied('invalid_token', /another authentication/))
    }
    expect(await ask(proof)).toMatchObject({ decision: 'allow' })
  })

  test('is refused without a proof, and with two', async () => {
    const [first, second] = [await key.prove(token), await key.prove(token)]
    const headers = ['Authorization', `DPoP ${token}`]
    expect(await decideAbout(request(headers))).toMatchObject(denied('invalid_dpop_proof', /is required/))
    for (const two of [
      ['DPoP', first, 'dpop', second],
      ['dpop', first, 'DPOP', first],
    ]) {
      expect(await decideAbout(request([...headers, ...two]))).toMatchObject(
        denied('invalid_dpop_proof', /more than one/),
      )
    }
    expect(await ask(`${first}, ${second}`)).toMatchObject(denied('invalid_dpop_proof', /malformed/))
  })

  test('a replayed proof is refused, for as long as it would be accepted', async () => {
    const proof = await key.prove(token)
    expect(await ask(proof)).toMatchObject({ decision: 'allow' })
    for (let count = 0; count < 7; count += 1) {
      expect(await ask(proof)).toMatchObject(denied('invalid_dpop_proof', /used before|time/))
      bench.clock.advance(10)
    }
  })

  test('of two requests with one proof at the same time, one gets through', async () => {
    const proof = await key.prove(token)
    const decisions = await Promise.all(Array.from({ length: 8 }, () => ask(proof)))
    expect(decisions.filter(({ decision }) => decision === 'allow')).toHaveLength(1)
  })

  test('is accepted to the second, and remembered for as long', async () => {
    const second = Math.floor(bench.clock.now() / 1_000)
    const used: number[] = []
    const acceptedAt = async (seconds: number, claims: Record<string, unknown>) => {
      const verify = createVerifyProof({
        urisOf: urisAtOrigins(['https://api.example.com']),
        maxAge: 60,
        leeway: 5,
        nonces: undefined,
        replayGuard: { use: async (_key, until) => used.push(until) > 0 },
        burst: async (work) => work(),
        now: () => seconds * 1_000,
      })
      const asked = request(['dpop', await key.prove(token, claims)])
      return verify(asked, token, key.cnf.jkt).then(
        () => true,
        () => false,
      )
    }
    const at = (seconds: number) => ({ iat: seconds })
    expect(await acceptedAt(second, at(second + 5))).toBe(true)
    expect(await acceptedAt(second, at(second + 5.001))).toBe(false)
    // Until the end of the second in which it was made, a minute and five seconds later.
    expect(await acceptedAt(second + 65.999, at(second))).toBe(true)
    expect(await acceptedAt(second + 66, at(second))).toBe(false)
    expect(used).toEqual([(second + 71) * 1_000, (second + 66) * 1_000])
    expect(await acceptedAt(second, { nbf: second + 5 })).toBe(true)
    expect(await acceptedAt(second, { nbf: second + 5.001 })).toBe(false)
    expect(await acceptedAt(second, { exp: second - 4.999 })).toBe(true)
    expect(await acceptedAt(second, { exp: second - 5 })).toBe(false)
  })

  test('one key may sign with each of its algorithms', async () => {
    const pss = await createDpopKey(bench.clock.now, 'PS256')
    const bound = await bench.issuer.mint({ claims: { cnf: pss.cnf } })
    const pkcs1 = createPrivateKey({ key: { ...pss.privateJwk, kty: 'RSA' }, format: 'jwk' })
    for (const round of [1, 2]) {
      expect(await ask(await pss.prove(bound), {}, bound), String(round)).toMatchObject({ decision: 'allow' })
      const [, payload] = (await pss.prove(bound)).split('.')
      const header = { typ: 'dpop+jwt', alg: 'RS256', jwk: pss.publicJwk }
      const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}`
      const proof = `${input}.${sign('sha256', Buffer.from(input), pkcs1).toString('base64url')}`
      expect(await ask(proof, {}, bound), String(round)).toMatchObject({ decision: 'allow' })
    }
  })

  test('too many proofs at once are 503, and the others are verified', async () => {
    const held: (() => void)[] = []
    const verify = createVerifyProof({
      urisOf: urisAtOrigins(['https://api.example.com']),
      maxAge: 60,
      leeway: 5,
      nonces: undefined,
      replayGuard: { use: async () => true },
      burst: (work) => new Promise((resolve) => held.push(() => resolve(work()))),
      now: bench.clock.now,
    })
    const asked = request(['dpop', await key.prove(token)])
    const verifyOne = () => verify(asked, token, key.cnf.jkt)
    const all = Array.from({ length: 10_000 }, verifyOne)
    await expect(verifyOne()).rejects.toBeInstanceOf(DependencyError)
    held.splice(0, 1)[0]?.()
    await all[0]
    const late = verifyOne()
    for (const release of held.slice(-20)) release()
    await late
  })

  test('the same identifier from two keys is two proofs', async () => {
    const other = await createDpopKey(bench.clock.now)
    const otherToken = await bench.issuer.mint({ claims: { cnf: other.cnf } })
    expect(await ask(await key.prove(token, { jti: 'same' }))).toMatchObject({ decision: 'allow' })
    const proof = await other.prove(otherToken, { jti: 'same' })
    expect(await ask(proof, {}, otherToken)).toMatchObject({ decision: 'allow' })
  })

  const wrongProofs: [what: string, claims: () => Record<string, unknown>, description: RegExp][] = [
    ['another method', () => ({ htm: 'POST' }), /another method/],
    ['the method in other letters', () => ({ htm: 'get' }), /another method/],
    ['another path', () => ({ htu: 'https://api.example.com/orders/1' }), /another URI/],
    ['a path with a slash at its end', () => ({ htu: 'https://api.example.com/orders/' }), /another URI/],
    ['a path in other letters', () => ({ htu: 'https://api.example.com/Orders' }), /another URI/],
    ['an encoded slash', () => ({ htu: 'https://api.example.com%2Forders' }), /another URI/],
    ['another host', () => ({ htu: 'https://evil.example/orders' }), /another URI/],
    ['a host that begins like ours', () => ({ htu: 'https://api.example.com.evil.example/orders' }), /another URI/],
    ['our host with a dot at its end', () => ({ htu: 'https://api.example.com./orders' }), /another URI/],
    ['our host as the user of another', () => ({ htu: 'https://api.example.com@evil.example/orders' }), /another URI/],
    ['another port', () => ({ htu: 'https://api.example.com:8443/orders' }), /another URI/],
    ['another scheme', () => ({ htu: 'http://api.example.com/orders' }), /another URI/],
    ['a backslash', () => ({ htu: 'https://api.example.com\\orders' }), /another URI/],
    ['only a path', () => ({ htu: '/orders' }), /another URI/],
    ['another token', () => ({ ath: 'a'.repeat(43) }), /another access token/],
    ['no token', () => ({ ath: undefined }), /another access token/],
    ['the token itself in place of its hash', () => ({ ath: token }), /another access token/],
    ['the past', () => ({ iat: Math.floor(bench.clock.now() / 1_000) - 67 }), /time/],
    ['the future', () => ({ iat: Math.floor(bench.clock.now() / 1_000) + 30 }), /time/],
    ['a time past all numbers', () => ({ iat: 1e308 }), /time/],
    ['a time in milliseconds', () => ({ iat: bench.clock.now() }), /time/],
    ['its own expiry', () => ({ exp: Math.floor(bench.clock.now() / 1_000) - 10 }), /time/],
    ['a later time of its own', () => ({ nbf: Math.floor(bench.clock.now() / 1_000) + 30 }), /time/],
    ['a time as text', () => ({ iat: String(bench.clock.now() / 1_000) }), /malformed/],
    ['no time', () => ({ iat: undefined }), /malformed/],
    ['no identifier', () => ({ jti: undefined }), /malformed/],
    ['an identifier without end', () => ({ jti: 'a'.repeat(257) }), /malformed/],
  ]
  test.each(wrongProofs)('a proof for %s is refused', async (_what, claims, description) => {
    expect(await ask(await key.prove(token, claims()))).toMatchObject(denied('invalid_dpop_proof', description))
  })

  test.each([
    ['with a query', `${provenUri}?page=3`],
    ['with a fragment', `${provenUri}#top`],
    ['in other letters', 'HTTPS://API.Example.COM/orders'],
    ['with the usual port', 'https://api.example.com:443/orders'],
    ['with needless encoding', 'https://api.example.com/%6Frders'],
    ['with dots', 'https://api.example.com/a/../orders'],
  ])('a proof for the same URI %s is accepted (RFC 3986 section 6.2)', async (_what, htu) => {
    expect(await ask(await key.prove(token, { htu }))).toMatchObject({ decision: 'allow' })
  })

  test('a proof of another key is refused, whatever identifies the right one beside it', async () => {
    const thief = await createDpopKey(bench.clock.now)
    const hints = [{}, { kid: key.cnf.jkt }, { jku: 'https://evil.example/jwks' }, { x5c: ['AAAA'] }]
    for (const hint of hints) {
      expect(await ask(await thief.prove(token, {}, hint))).toMatchObject(denied('invalid_token', /another key/))
    }
  })

  test('the right key in the header of a proof that another has signed is refused', async () => {
    const thief = await createDpopKey(bench.clock.now)
    const proof = await thief.prove(token, {}, { jwk: key.publicJwk })
    // Also once the key is known from a proof that was right.
    for (const round of [1, 2]) {
      expect(await ask(proof), String(round)).toMatchObject(denied('invalid_dpop_proof', /signature/))
      expect(await ask(await key.prove(token))).toMatchObject({ decision: 'allow' })
    }
  })

  test('members beside those of the key do not make it another one', async () => {
    const jwk = { ...key.publicJwk, n: 'AAAA', e: 'AQAB', kid: 'k', alg: 'ES256' }
    expect(await ask(await key.prove(token, {}, { jwk }))).toMatchObject({ decision: 'allow' })
    const edwards = await createDpopKey(bench.clock.now, 'Ed25519')
    const bound = await bench.issuer.mint({ claims: { cnf: edwards.cnf } })
    const proof = await edwards.prove(bound, {}, { jwk: { ...edwards.publicJwk, y: 'AAAA' } })
    expect(await ask(proof, {}, bound)).toMatchObject({ decision: 'allow' })
  })

  test('a proof with the private key in it is refused', async () => {
    const jwk = { ...key.publicJwk, d: key.privateJwk.d }
    expect(await ask(await key.prove(token, {}, { jwk }))).toMatchObject(denied('invalid_dpop_proof', /malformed/))
  })

  test.each(['JWT', 'at+jwt', 'DPOP+JWT', 'application/dpop+jwt', undefined])('type %s is refused', async (typ) => {
    expect(await ask(await key.prove(token, {}, { typ }))).toMatchObject(denied('invalid_dpop_proof', /malformed/))
  })

  test('critical extensions are refused', async () => {
    const proof = await key.prove(token, {}, { crit: ['exp'], exp: 1 })
    expect(await ask(proof)).toMatchObject(denied('invalid_dpop_proof', /malformed/))
  })

  test('alg none, and a MAC with the public key as its secret, are refused', async () => {
    const [, payload = ''] = (await key.prove(token)).split('.')
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const alg of ['none', 'HS256']) {
      const input = `${encode({ typ: 'dpop+jwt', alg, jwk: key.publicJwk })}.${payload}`
      const mac = createHmac('sha256', JSON.stringify(key.publicJwk)).update(input).digest('base64url')
      for (const signature of ['', mac]) {
        expect(await ask(`${input}.${signature}`)).toMatchObject(denied('invalid_dpop_proof', /malformed/))
      }
    }
  })

  test('weak keys, and keys of another kind than the algorithm, are refused though the token is bound to them', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 })
    const { n = '', e = '' } = publicKey.export({ format: 'jwk' })
    // Zeros ahead of it make it look long enough.
    const padded = Buffer.concat([Buffer.alloc(128), Buffer.from(n, 'base64url')]).toString('base64url')
    const { calculateJwkThumbprint } = await import('jose')
    const cases = [
      { jwk: { kty: 'RSA', n, e }, alg: 'RS256' },
      { jwk: { kty: 'RSA', n: padded, e }, alg: 'RS256' },
      { jwk: key.publicJwk, alg: 'RS256' },
      { jwk: key.publicJwk, alg: 'ES384' },
      { jwk: key.publicJwk, alg: 'Ed25519' },
    ]
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const { jwk, alg } of cases) {
      const bound = await bench.issuer.mint({ claims: { cnf: { jkt: await calculateJwkThumbprint(jwk) } } })
      const [, payload = ''] = (await key.prove(bound)).split('.')
      const input = `${encode({ typ: 'dpop+jwt', alg, jwk })}.${payload}`
      const signature = sign('sha256', Buffer.from(input), privateKey).toString('base64url')
      expect(await ask(`${input}.${signature}`, {}, bound)).toMatchObject(
        denied('invalid_dpop_proof', /malformed|signature/),
      )
    }
  })

  test.each(['ES256', 'ES384', 'PS256', 'RS256', 'Ed25519', 'EdDSA'])('keys of %s are accepted', async (algorithm) => {
    const own = await createDpopKey(bench.clock.now, algorithm)
    const bound = await bench.issuer.mint({ claims: { cnf: own.cnf } })
    for (const round of [1, 2]) {
      expect(await ask(await own.prove(bound), {}, bound), String(round)).toMatchObject({ decision: 'allow' })
    }
  })

  test('with any character changed, is no proof', async () => {
    const signs = 'abcXYZ019-_.=+/ ,'.split('')
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(...signs), fc.nat(2), async (at, sign, removed) => {
        const proof = await key.prove(token)
        const place = at % proof.length
        const changed = proof.slice(0, place) + sign + proof.slice(place + removed)
        if (changed !== proof) expect(await ask(changed)).toMatchObject({ decision: 'deny', status: 401 })
      }),
      { numRuns: 300 },
    )
  })

  test('an overlong proof is refused unread', async () => {
    const proof = await key.prove(token, { more: 'a'.repeat(4_096) })
    expect(await ask(proof)).toMatchObject(denied('invalid_dpop_proof', /malformed/))
  })

  test('neither host nor scheme that a client or its gateway names counts beside the fixed origins', async () => {
    const proof = await key.prove(token, { htu: 'https://evil.example/orders' })
    const headers = ['x-forwarded-host', 'evil.example', 'host', 'evil.example', 'forwarded', 'host=evil.example']
    const asked = request(['authorization', `DPoP ${token}`, 'dpop', proof, ...headers], {
      scheme: 'https',
      authority: 'evil.example',
    })
    expect(await decideAbout(asked)).toMatchObject(denied('invalid_dpop_proof', /another URI/))
  })

  test.each(['https://api.example.com/orders', '*', 'orders'])('a request for %s has no URI to prove', async (uri) => {
    expect(await ask(await key.prove(token), { uri })).toMatchObject(denied('invalid_dpop_proof', /another URI/))
  })

  test.each(['.evil.example/orders', ':8443/orders', '@evil.example/orders'])(
    'a request for %s does not make another origin of ours',
    async (uri) => {
      const proof = await key.prove(token, { htu: `https://api.example.com${uri}` })
      expect(await ask(proof, { uri })).toMatchObject(denied('invalid_dpop_proof', /another URI/))
    },
  )

  test('uses no proof up where it is refused for another reason', async () => {
    const proof = await key.prove(token)
    expect(await ask(proof, { method: 'POST' })).toMatchObject({ decision: 'deny' })
    expect(await ask(proof, { uri: '/other' })).toMatchObject({ decision: 'deny' })
    expect(await ask(proof)).toMatchObject({ decision: 'allow' })
  })

  test('is refused once it has expired, before its proof is looked at', async () => {
    await ask(await key.prove(token))
    bench.clock.advance(301)
    expect(await ask('no proof')).toMatchObject(denied('invalid_token', /expired/))
  })
})

describe('a revoked token', () => {
  test('is refused before its proof is looked at, which is not used up', async () => {
    await start(dpop, withFeed)
    const revoked = await bench.issuer.mint({ claims: { cnf: key.cnf, jti: 'revoked' } })
    expect(await ask(await key.prove(revoked), {}, revoked)).toMatchObject({ decision: 'allow' })
    await bench.issuer.revoke('revoked')
    await eventually(async () => {
      expect(await ask(await key.prove(revoked), {}, revoked)).toMatchObject(denied('invalid_token', /revoked/))
    })
    expect(await ask('no proof', {}, revoked)).toMatchObject(denied('invalid_token', /revoked/))
  })
})

describe('a token that is bound to nothing', () => {
  beforeEach(() => start())

  test('is refused with the scheme DPoP: a proof says nothing about it', async () => {
    const free = await bench.issuer.mint()
    expect(await ask(await key.prove(free), {}, free)).toMatchObject(denied('invalid_token', /another authentication/))
    expect(await decideAbout(request(['authorization', `Bearer ${free}`]))).toMatchObject({ decision: 'allow' })
  })

  test('cannot be made of a bound one: who strips cnf breaks the signature', async () => {
    const [header, payload = '', signature] = token.split('.')
    const { cnf: _cnf, ...claims } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const stripped = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
    expect(await decideAbout(request(['authorization', `Bearer ${stripped}`]))).toMatchObject({
      decision: 'deny',
    })
  })
})

describe('a confirmation that is not understood', () => {
  test.each<[what: string, cnf: unknown]>([
    ['nothing', {}],
    ['null', null],
    ['text', 'jkt'],
    ['a list', []],
    ['another method', { jwk: { kty: 'EC' } }],
    ['another method beside a known one', { jkt: 'a'.repeat(43), 'x5t#S256': 'a'.repeat(43), kid: 'k' }],
    ['a thumbprint of another length', { jkt: 'a'.repeat(42) }],
    ['a thumbprint that is no text', { jkt: [`${'a'.repeat(43)}`] }],
  ])('is a refusal: %s', async (_what, cnf) => {
    await start()
    const odd = await bench.issuer.mint({ claims: { cnf } })
    for (const [scheme, proof] of [
      ['Bearer', undefined],
      ['DPoP', await key.prove(odd)],
    ] as const) {
      const headers = ['authorization', `${scheme} ${odd}`, ...(proof === undefined ? [] : ['dpop', proof])]
      expect(await decideAbout(request(headers))).toMatchObject(denied('invalid_token', /not understood/))
    }
  })
})

describe('without dpop in its policy', () => {
  test('a bound token is refused, with any scheme, and the scheme is not offered', async () => {
    await start('')
    for (const scheme of ['Bearer', 'DPoP']) {
      const headers = ['authorization', `${scheme} ${token}`, 'dpop', await key.prove(token)]
      const decision = await decideAbout(request(headers))
      expect(decision).toMatchObject({ decision: 'deny', status: 401, body: { error: 'invalid_token' } })
      expect(challengeOf(decision)).toMatch(
        /^Bearer realm="main", error="invalid_token"[^,]*, error_description="[^"]*"$/,
      )
    }
  })

  test('an anonymous policy does not take a DPoP token for none', async () => {
    await start('access: anonymous')
    expect(await decideAbout(request([]))).toMatchObject({ decision: 'allow' })
    expect(await ask(await key.prove(token))).toMatchObject({ decision: 'deny' })
    expect(await ask('x', {}, 'opaque')).toMatchObject({ decision: 'deny' })
  })
})

describe('the origin that the gateway tells', () => {
  beforeEach(() => start('dpop: { origin_from_gateway: true }'))

  test('is what the proof must be for', async () => {
    const told = { scheme: 'https', authority: 'api.example.com' }
    expect(await ask(await key.prove(token), told)).toMatchObject({ decision: 'allow' })
    for (const other of [
      { ...told, authority: 'other.example' },
      { ...told, scheme: 'http' },
    ]) {
      expect(await ask(await key.prove(token), other)).toMatchObject(denied('invalid_dpop_proof', /another URI/))
    }
  })

  test.each<[what: string, told: Changes]>([
    ['nothing', {}],
    ['no scheme', { authority: 'api.example.com' }],
    ['no host', { scheme: 'https' }],
    ['an empty host', { scheme: 'https', authority: '' }],
    ['the hosts of a chain', { scheme: 'https', authority: 'api.example.com, proxy.example' }],
    ['a host with a path', { scheme: 'https', authority: 'api.example.com/orders?', uri: '/other' }],
    ['a host with a fragment', { scheme: 'https', authority: 'api.example.com/orders#', uri: '/other' }],
    ['a host with a user', { scheme: 'https', authority: 'user@api.example.com' }],
    ['another scheme', { scheme: 'ftp', authority: 'api.example.com' }],
    ['a scheme with a host', { scheme: 'https://a?', authority: 'api.example.com' }],
  ])('is refused where it is %s', async (_what, told) => {
    expect(await ask(await key.prove(token), told)).toMatchObject(denied('invalid_dpop_proof', /another URI/))
  })
})

describe('challenges', () => {
  const algs = 'algs="ES256 ES384 PS256 RS256 Ed25519 EdDSA"'

  test('offer both schemes where both are accepted, and say with which one a proof was wrong', async () => {
    await start()
    expect(challengeOf(await decideAbout(request([])))).toBe(`Bearer realm="main", DPoP realm="main", ${algs}`)
    expect(challengeOf(await ask('x'))).toBe(
      `Bearer realm="main", DPoP realm="main", error="invalid_dpop_proof", error_description="the proof is malformed, or signed with an algorithm or key that is not accepted", ${algs}`,
    )
    const revoked = await ask('x', {}, 'opaque')
    expect(challengeOf(revoked)).toMatch(
      /^Bearer realm="main", error="invalid_token", .*, DPoP realm="main", error="inv/,
    )
  })

  test('offer DPoP alone where it is required', async () => {
    await start(`${dpop}\n    sender_constraint: dpop`)
    expect(challengeOf(await decideAbout(request([])))).toBe(`DPoP realm="main", ${algs}`)
    const free = await bench.issuer.mint()
    const decision = await decideAbout(request(['authorization', `Bearer ${free}`]))
    expect(decision).toMatchObject(denied('invalid_token', /must be bound to a key by DPoP/))
    expect(challengeOf(decision)).toMatch(/^DPoP realm="main", error="invalid_token"/)
    expect(await ask(await key.prove(token))).toMatchObject({ decision: 'allow' })
  })

  test('are for all that have a token of the right kind, by rule', async () => {
    await start(`${dpop}\n    rules: [{ paths: [/orders], sender_constraint: any }]`)
    const free = await bench.issuer.mint()
    const authorization = ['authorization', `Bearer ${free}`]
    expect(await decideAbout(request(authorization))).toMatchObject(denied('invalid_token', /must be bound/))
    expect(await decideAbout(request(authorization, { uri: '/other' }))).toMatchObject({ decision: 'allow' })
    expect(await ask(await key.prove(token))).toMatchObject({ decision: 'allow' })
  })
})

describe('nonces of the sidecar', () => {
  const secret = 'nonces-of-all-sidecars-0123456789'
  const withNonce = `dpop: { origins: [https://api.example.com], nonce: { secret: { value: ${secret} } } }`
  const nonceOf = (decision: Decision) => (decision.decision === 'allow' ? '' : (decision.headers['dpop-nonce'] ?? ''))

  beforeEach(() => start(withNonce))

  test('are asked for, and good for one to two minutes', async () => {
    const refused = await ask(await key.prove(token))
    expect(refused).toMatchObject(denied('use_dpop_nonce', /must hold the nonce/))
    expect(challengeOf(refused)).toContain('DPoP realm="main", error="use_dpop_nonce"')
    const nonce = nonceOf(refused)
    expect(await ask(await key.prove(token, { nonce }))).toMatchObject({ decision: 'allow' })
    bench.clock.advance(60)
    expect(await ask(await key.prove(token, { nonce }))).toMatchObject({ decision: 'allow' })
    bench.clock.advance(60)
    const late = await ask(await key.prove(token, { nonce }))
    expect(late).toMatchObject({ body: { error: 'use_dpop_nonce' } })
    expect(nonceOf(late)).not.toBe(nonce)
    expect(await ask(await key.prove(token, { nonce: nonceOf(late) }))).toMatchObject({ decision: 'allow' })
  })

  test('of a sidecar with the same secret are accepted, of any other not', async () => {
    const { createDpopNonces } = await import('../../../src/steps/sender-constraint/dpop-nonces.ts')
    const of = (text: string) => createDpopNonces({ secret: () => text, lifetime: 60, now: bench.clock.now }).current()
    expect(await ask(await key.prove(token, { nonce: of(secret) }))).toMatchObject({ decision: 'allow' })
    expect(await ask(await key.prove(token, { nonce: of(`${secret}.`) }))).toMatchObject({ decision: 'deny' })
  })

  test.each(['', '1', '.', 'a.b', `0.${'A'.repeat(43)}`, `9999999999999.${'A'.repeat(43)}`, { not: 'text' }])(
    'made up (%j) are refused',
    async (nonce) => {
      expect(await ask(await key.prove(token, { nonce }))).toMatchObject({ decision: 'deny' })
    },
  )

  test('come with every refusal of a proof', async () => {
    expect(nonceOf(await ask('x'))).toMatch(/^\d+\.[A-Za-z0-9_-]{43}$/)
  })
})

describe('an opaque token', () => {
  const active = (changes: object) => ({ active: true, ...bench.issuer.claims(), ...changes })

  test('is bound where introspection says so, by whatever type it is called', async () => {
    await start(dpop, withIntrospection)
    for (const type of ['DPoP', 'dpop', 'Bearer', undefined]) {
      const opaque = `opaque-${type}`
      bench.issuer.introspects(opaque, active({ cnf: key.cnf, token_type: type }))
      expect(await ask(await key.prove(opaque), {}, opaque), opaque).toMatchObject({ decision: 'allow' })
      expect(await decideAbout(request(['authorization', `Bearer ${opaque}`]))).toMatchObject({
        decision: 'deny',
      })
    }
  })

  test.each([undefined, {}, null, 'jkt', { 'x5t#S256': 'a'.repeat(43) }])(
    'of type DPoP without a key (%j) is refused',
    async (cnf) => {
      await start(dpop, withIntrospection)
      bench.issuer.introspects('opaque', active({ cnf, token_type: 'DPoP' }))
      for (const scheme of ['Bearer', 'DPoP']) {
        const headers = ['authorization', `${scheme} opaque`, 'dpop', await key.prove('opaque')]
        expect(await decideAbout(request(headers))).toMatchObject(denied('invalid_token', /type|understood/))
      }
    },
  )
})

describe('a token that comes elsewhere than in Authorization', () => {
  test('cannot be bound by DPoP', async () => {
    await start(`${dpop}\n    token_from: [{ header: authorization }, { header: x-token }, { query: access_token }]`)
    const proof = await key.prove(token)
    const elsewhere: DecisionRequest[] = [
      request(['x-token', token, 'dpop', proof]),
      request(['dpop', proof], { uri: `/orders?access_token=${token}` }),
    ]
    for (const asked of elsewhere) {
      expect(await decideAbout(asked)).toMatchObject(denied('invalid_token', /another authentication scheme/))
    }
    expect(await ask(proof)).toMatchObject({ decision: 'allow' })
  })
})
