/** Certificate-bound tokens at the sidecar, in each form in which gateways tell of the certificate. */
import { createHash, X509Certificate } from 'node:crypto'
import type { DecisionRequest } from '@postern/protocol/decision'
import { type Certificate, selfSign } from '@postern/tools/certificates'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createDpopKey } from '../../support/dpop.ts'
import { startBench, type TestBench } from '../../support/sidecar.ts'

let bench: TestBench
let own: Certificate
let another: Certificate

beforeAll(async () => {
  own = await selfSign({ subject: '/CN=client' })
  another = await selfSign({ subject: '/CN=another' })
})
afterEach(() => bench.close())

const derOf = ({ cert }: Certificate) => new X509Certificate(cert).raw
const base64 = (certificate: Certificate) => derOf(certificate).toString('base64')
const thumbprintOf = (certificate: Certificate) => createHash('sha256').update(derOf(certificate)).digest('base64url')
const hexOf = (certificate: Certificate) => createHash('sha256').update(derOf(certificate)).digest('hex')

type Form = 'rfc9440' | 'nginx' | 'envoy_xfcc' | 'traefik' | 'base64_der'
/** The usual header of each form, and its value as the gateway writes it. */
const forms: Record<Form, { header: string; write(certificate: Certificate): string }> = {
  rfc9440: { header: 'Client-Cert', write: (certificate) => `:${base64(certificate)}:` },
  nginx: { header: 'ssl-client-cert', write: ({ cert }) => encodeURIComponent(cert) },
  envoy_xfcc: {
    header: 'X-Forwarded-Client-Cert',
    write: (certificate) => `By=spiffe://proxy;Hash=${hexOf(certificate)}`,
  },
  traefik: { header: 'X-Forwarded-Tls-Client-Cert', write: base64 },
  base64_der: { header: 'X-Client-Cert', write: base64 },
}
const names = Object.keys(forms) as Form[]

const start = async (policy: string) => {
  bench = await startBench({ policy })
  return bound(own)
}
const bound = (certificate: Certificate, more = {}) =>
  bench.issuer.mint({ claims: { cnf: { 'x5t#S256': thumbprintOf(certificate), ...more } } })
const ask = (token: string, headers: string[], changes: Partial<DecisionRequest> = {}) =>
  bench.decide(['authorization', `Bearer ${token}`, ...headers], 'main', changes)
const denied = (description: RegExp) => ({
  decision: 'deny',
  status: 401,
  body: { error: 'invalid_token', error_description: expect.stringMatching(description) },
})

describe.each(names)('a certificate in the form %s', (name) => {
  const { header, write } = forms[name]
  const policy = `client_certificate: { from: ${name} }`

  test('lets through the token that is bound to it, and no other', async () => {
    const token = await start(policy)
    for (const round of [1, 2]) {
      expect(await ask(token, [header, write(own)]), String(round)).toMatchObject({ decision: 'allow' })
      expect(await ask(token, [header, write(another)]), String(round)).toMatchObject(denied(/another certificate/))
    }
  })

  test('is needed with each request', async () => {
    const token = await start(policy)
    expect(await ask(token, [header, write(own)])).toMatchObject({ decision: 'allow' })
    expect(await ask(token, [])).toMatchObject(denied(/another certificate/))
    expect(await ask(token, [header, ''])).toMatchObject(denied(/another certificate/))
  })

  test('is refused where its header is there twice', async () => {
    const token = await start(policy)
    for (const values of [
      [own, own],
      [own, another],
      [another, own],
    ]) {
      const headers = values.flatMap((certificate, index) => [
        index === 0 ? header : header.toLowerCase(),
        write(certificate),
      ])
      expect(await ask(token, headers)).toMatchObject(denied(/cannot be read/))
    }
    expect(await ask(token, [header, `${write(another)},${write(own)}`])).toMatchObject(
      denied(/cannot be read|another certificate/),
    )
  })

  test('is refused where it is malformed or too long', async () => {
    const token = await start(policy)
    const good = write(own)
    const twice = { cert: `${own.cert}${own.cert}`, key: '' }
    const odd = [
      'x',
      ':',
      '::',
      '%',
      '%00',
      `${good}x`,
      `=${good}`,
      good.slice(0, -10),
      `"${good}"`,
      `${good} `.repeat(30),
      good + ' '.repeat(16_384),
      base64(own).slice(0, 40),
      own.cert,
      Buffer.from(own.cert).toString('base64'),
      encodeURIComponent(twice.cert),
      Buffer.concat([derOf(own), derOf(another)]).toString('base64'),
      `:${Buffer.concat([derOf(own), Buffer.from([0])]).toString('base64')}:`,
      Buffer.concat([derOf(own), Buffer.from([0])]).toString('base64'),
    ].filter((value) => value !== good && !(name === 'nginx' && value === own.cert))
    for (const value of odd) {
      expect(await ask(token, [header, value]), value.slice(0, 60)).toMatchObject(denied(/cannot be read/))
    }
  })

  test('does not reach the upstream', async () => {
    const token = await start(policy)
    expect(await ask(token, [header, write(own)])).toMatchObject({
      remove_headers: expect.arrayContaining([header.toLowerCase()]),
    })
  })

  test('in the header of another form means nothing: nobody but the gateway sets the one that counts', async () => {
    const token = await start(policy)
    for (const other of names.filter((candidate) => candidate !== name)) {
      const headers = [forms[other].header, forms[other].write(own)]
      expect(await ask(token, headers), other).toMatchObject(denied(/another certificate/))
    }
    expect(await ask(token, [], { client_certificate: own.cert })).toMatchObject(denied(/another certificate/))
  })

  test('may stand in a header of another name, and then counts there alone', async () => {
    const token = await start(`client_certificate: { from: ${name}, header: X-Our-Client }`)
    expect(await ask(token, ['x-our-client', write(own)])).toMatchObject({ decision: 'allow' })
    expect(await ask(token, [header, write(own)])).toMatchObject(denied(/another certificate/))
  })
})

describe('a certificate that a plugin tells', () => {
  test('counts, as PEM or URL-encoded PEM', async () => {
    const token = await start('client_certificate: { from: gateway }')
    for (const text of [own.cert, encodeURIComponent(own.cert)]) {
      expect(await ask(token, [], { client_certificate: text })).toMatchObject({ decision: 'allow' })
    }
    expect(await ask(token, [], { client_certificate: another.cert })).toMatchObject(denied(/another certificate/))
    expect(await ask(token, [], { client_certificate: own.cert + own.cert })).toMatchObject(denied(/cannot be read/))
    expect(await ask(token, [], { client_certificate: own.key })).toMatchObject(denied(/cannot be read/))
  })

  test('counts alone: headers are the clients’', async () => {
    const token = await start('client_certificate: { from: gateway }')
    for (const name of names) {
      const headers = [forms[name].header, forms[name].write(own)]
      expect(await ask(token, headers), name).toMatchObject(denied(/another certificate/))
    }
  })
})

describe('without client_certificate in its policy', () => {
  test('a bound token is refused, whatever headers a client sends', async () => {
    const token = await start('')
    const headers = names.flatMap((name) => [forms[name].header, forms[name].write(own)])
    expect(await ask(token, headers, { client_certificate: own.cert })).toMatchObject(denied(/nothing is known/))
  })
})

describe('Traefik', () => {
  test('puts the rest of the chain behind the client’s own certificate', async () => {
    const token = await start('client_certificate: { from: traefik }')
    const header = 'x-forwarded-tls-client-cert'
    expect(await ask(token, [header, `${base64(own)},${base64(another)}`])).toMatchObject({ decision: 'allow' })
    expect(await ask(token, [header, encodeURIComponent(base64(own))])).toMatchObject({ decision: 'allow' })
    expect(await ask(token, [header, `${base64(another)},${base64(own)}`])).toMatchObject(denied(/another certificate/))
  })
})

describe('a policy that requires certificates', () => {
  test('refuses tokens that are bound to none, and offers no other scheme than Bearer', async () => {
    const token = await start('sender_constraint: mtls\n    client_certificate: { from: rfc9440 }')
    const free = await bench.issuer.mint()
    const decision = await ask(free, ['client-cert', forms.rfc9440.write(own)])
    expect(decision).toMatchObject(denied(/must be bound to a client certificate/))
    expect(decision.decision === 'deny' && decision.headers['www-authenticate']).toMatch(/^Bearer [^D]*$/)
    expect(await ask(token, ['client-cert', forms.rfc9440.write(own)])).toMatchObject({ decision: 'allow' })
  })
})

describe('a token that is bound to a key and a certificate', () => {
  test('needs both', async () => {
    await start('dpop: { origins: [https://api.example.com] }\n    client_certificate: { from: rfc9440 }')
    const key = await createDpopKey(bench.clock.now)
    const token = await bound(own, key.cnf)
    const certificate = (of: Certificate) => ['client-cert', forms.rfc9440.write(of)]
    const prove = async (...headers: string[]) =>
      bench.decide(['authorization', `DPoP ${token}`, 'dpop', await key.prove(token), ...headers], 'main', {
        uri: '/orders',
      })
    expect(await prove(...certificate(own))).toMatchObject({ decision: 'allow' })
    expect(await prove(...certificate(another))).toMatchObject(denied(/another certificate/))
    expect(await prove()).toMatchObject(denied(/another certificate/))
    expect(await ask(token, certificate(own))).toMatchObject(denied(/another authentication scheme/))
  })
})
