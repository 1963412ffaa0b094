import { generateKeyPairSync } from 'node:crypto'
import { parseBasicCredentials } from '@postern/protocol/basic-credentials'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, exportJWK, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import type { Secret } from '../../../src/config/changing-secret.ts'
import { type ClientAuthMethodName, clientAuthMethods } from '../../../src/config/schema/client-auth.ts'
import type { HttpAnswer, HttpRequest } from '../../../src/remote/calls/http-client.ts'
import { createOAuthClient } from '../../../src/remote/client-auth/client.ts'
import { methods } from '../../../src/remote/client-auth/list.ts'
import { readSharedKey, readSigningKey } from '../../../src/remote/signing/signing-key.ts'

const now = () => 1_700_000_000_500
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const sharedSecret = 'a secret of more than 32 bytes, äöü'
const clientId = 'a client: with signs'
const audience = 'https://issuer.example'

/** A secret that is another as soon as the test says so. */
function changeable<Value>(first: Value) {
  let [value, next] = [first, first]
  const secret: Secret<Value> = {
    current: () => value,
    reread() {
      const changed = value !== next
      value = next
      return changed
    },
  }
  return {
    secret,
    change: (to: Value) => {
      next = to
    },
  }
}

/** The endpoint answers in a later turn of the event loop. @param answer with which request it is, from 1 on */
function endpointThat(answer: (request: HttpRequest, count: number) => HttpAnswer) {
  const received: HttpRequest[] = []
  const http = {
    async send(request: HttpRequest): Promise<HttpAnswer> {
      const count = received.push(request)
      await new Promise((resolve) => setImmediate(resolve))
      return answer(request, count)
    },
    close: async () => undefined,
  }
  return { http, received }
}

/** What it answers is taken from the list, the last again and again. */
function endpoint(...answers: HttpAnswer[]) {
  return endpointThat((_request, count) => answers[Math.min(count, answers.length) - 1] ?? { status: 200, json: {} })
}

function method(name: ClientAuthMethodName, secret: Secret<string> = changeable('s ecret').secret) {
  return methods[name]({
    clientId,
    secret: () => secret,
    sharedKey: () => changeable(readSharedKey(sharedSecret)).secret,
    privateKey: () => changeable(readSigningKey(pem, { kid: 'k1' })).secret,
    assertion: { audience, lifetime: 60 },
    now,
  })
}

async function sentWith(name: ClientAuthMethodName) {
  const { http, received } = endpoint()
  const client = createOAuthClient({ method: method(name), http })
  await client.postForm({
    url: 'https://issuer.example/token',
    parameters: [
      ['a', '1'],
      ['a', '2'],
    ],
    timeoutMs: 500,
  })
  const [request] = received
  if (!request) throw new Error('nothing was sent')
  return { request, form: new URLSearchParams(request.body) }
}

describe('a client authenticates', () => {
  test('by its secret in a header', async () => {
    const { request, form } = await sentWith('client_secret_basic')
    const sent = parseBasicCredentials(request.headers?.authorization ?? '')
    expect(sent).toEqual({ clientId, clientSecret: 's ecret' })
    expect([...form]).toEqual([
      ['a', '1'],
      ['a', '2'],
    ])
  })

  test('by its secret in the form', async () => {
    const { request, form } = await sentWith('client_secret_post')
    expect(request.headers).toEqual({ 'content-type': 'application/x-www-form-urlencoded' })
    expect(form.get('client_id')).toBe(clientId)
    expect(form.get('client_secret')).toBe('s ecret')
  })

  test('by an assertion that its private key signed, for one server and for one use', async () => {
    const sent = [await sentWith('private_key_jwt'), await sentWith('private_key_jwt')]
    const jwks = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] })
    const verified = await Promise.all(
      sent.map(({ form }) =>
        jwtVerify(form.get('client_assertion') ?? '', jwks, {
          audience,
          issuer: clientId,
          currentDate: new Date(now()),
        }),
      ),
    )
    expect(verified[0]?.payload).toEqual({
      iss: clientId,
      sub: clientId,
      aud: audience,
      iat: 1_700_000_000,
      exp: 1_700_000_060,
      jti: expect.any(String),
    })
    expect(verified[1]?.payload.jti).not.toBe(verified[0]?.payload.jti)
    expect(sent[0]?.form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    expect(sent[0]?.form.has('client_secret')).toBe(false)
  })

  test('by an assertion that its secret signed', async () => {
    const { form } = await sentWith('client_secret_jwt')
    const assertion = form.get('client_assertion') ?? ''
    const key = new TextEncoder().encode(sharedSecret)
    await jwtVerify(assertion, key, { audience, subject: clientId, currentDate: new Date(now()) })
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'HS256', typ: 'JWT' })
    expect(decodeJwt(assertion).iss).toBe(clientId)
  })

  test.each(['tls_client_auth', 'self_signed_tls_client_auth', 'none'] as const)(
    'by its name, with %s',
    async (name) => {
      const { request, form } = await sentWith(name)
      expect(request.headers?.authorization).toBeUndefined()
      expect([...form]).toEqual([
        ['a', '1'],
        ['a', '2'],
        ['client_id', clientId],
      ])
    },
  )

  test('by each method of the schema', () => {
    expect(Object.keys(methods).toSorted()).toEqual([...clientAuthMethods].toSorted())
  })
})

describe('an endpoint that refuses the credentials', () => {
  const form = { url: 'https://issuer.example/token', parameters: [], timeoutMs: 500 }
  const refusals: HttpAnswer[] = [
    { status: 401, json: undefined },
    { status: 400, json: { error: 'invalid_client' } },
  ]

  test.each(refusals)('is asked once more with a secret that is new: %o', async (refusal) => {
    const { secret, change } = changeable('old')
    const { http, received } = endpoint(refusal, { status: 200, json: 'token' })
    const client = createOAuthClient({ method: method('client_secret_post', secret), http })
    change('new')
    expect((await client.postForm(form)).json).toBe('token')
    expect(received.map(({ body }) => new URLSearchParams(body).get('client_secret'))).toEqual(['old', 'new'])
    expect(received[1]?.timeoutMs).toBeLessThan(500)
  })

  test('is not asked again once the time is up', async () => {
    const { secret, change } = changeable('old')
    const { http, received } = endpoint({ status: 401, json: undefined })
    change('new')
    const client = createOAuthClient({ method: method('client_secret_post', secret), http })
    expect((await client.postForm({ ...form, timeoutMs: 0 })).status).toBe(401)
    expect(received).toHaveLength(1)
  })

  test('is not asked again with the same secret, nor more than twice', async () => {
    const { secret, change } = changeable('old')
    const { http, received } = endpoint({ status: 401, json: undefined })
    const client = createOAuthClient({ method: method('client_secret_post', secret), http })
    expect((await client.postForm(form)).status).toBe(401)
    expect(received).toHaveLength(1)
    change('new')
    expect((await client.postForm(form)).status).toBe(401)
    expect(received).toHaveLength(3)
  })

  test('is asked once more by all who sent the old secret, whoever noticed first that there is another', async () => {
    const { secret, change } = changeable('old')
    const { http } = endpointThat(({ body }) =>
      body?.includes('client_secret=old') ? { status: 401, json: undefined } : { status: 200, json: 'token' },
    )
    const client = createOAuthClient({ method: method('client_secret_post', secret), http })
    change('new')
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.postForm(form)))
    expect(answers.map(({ json }) => json)).toEqual(Array(5).fill('token'))
    change('old')
    secret.reread()
    const late = client.postForm(form)
    change('new')
    secret.reread()
    expect((await late).json).toBe('token')
  })

  test('is asked once more with a certificate that is new', async () => {
    const { http, received } = endpoint({ status: 401, json: undefined })
    const { secret: tls, change } = changeable('old certificate')
    const client = createOAuthClient({ method: method('tls_client_auth'), http, tls })
    change('new certificate')
    await client.postForm(form)
    expect(received).toHaveLength(2)
    await client.postForm(form)
    expect(received).toHaveLength(3)
  })

  test('is asked once more with a proof of its own', async () => {
    const { http, received } = endpoint({ status: 401, json: undefined })
    const { secret: tls, change } = changeable('old certificate')
    const client = createOAuthClient({ method: method('tls_client_auth'), http, tls })
    change('new certificate')
    let proofs = 0
    await client.postForm({ ...form, singleUse: async () => ({ dpop: `proof-${++proofs}` }) })
    expect(received.map(({ headers }) => headers?.dpop)).toEqual(['proof-1', 'proof-2'])
  })

  test('for another reason is not asked again', async () => {
    const { secret, change } = changeable('old')
    const { http, received } = endpoint({ status: 400, json: { error: 'invalid_grant' } })
    change('new')
    await createOAuthClient({ method: method('client_secret_post', secret), http }).postForm(form)
    expect(received).toHaveLength(1)
  })
})
