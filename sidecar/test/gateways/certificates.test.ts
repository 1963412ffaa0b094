/** Tokens that are bound to a certificate, at real gateways with the configurations of docs/certificates-at-gateways.md. */
import { X509Certificate } from 'node:crypto'
import { type Certificate, type CertificateOptions, selfSign } from '@postern/tools/certificates'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ask, createClient } from './client.ts'
import { awkwardNames, forgedHeaders, forgedNames, hashOf, headersOf } from './forgeries.ts'
import type { RunningGateway } from './gateway.ts'
import { gateways } from './list.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
let holder: Certificate
let thief: Certificate

beforeAll(async () => {
  stage = await startStage(gateways)
  holder = await stage.ca.issue({ subject: '/CN=holder' })
  thief = await stage.ca.issue({ subject: '/CN=thief' })
})
afterAll(() => stage.close())

const bearer = async (claims: object) => [
  'Authorization',
  `Bearer ${await stage.bench.issuer.mint({ claims: { ...claims } })}`,
]
const boundTo = (certificate: { cert: string }) => bearer({ cnf: { 'x5t#S256': hashOf(certificate, 'base64url') } })

const versions = await Promise.all(gateways.map((gateway) => gateway.version()))

for (const [index, gateway] of gateways.entries()) {
  const installed = process.env.CI === 'true' || versions[index] !== undefined
  if (!installed) process.stderr.write(`SKIPPED: bound tokens at ${gateway.name}, because it is not installed\n`)

  describe.skipIf(!installed)(`a token that is bound to a certificate, at ${gateway.name} ${versions[index]}`, () => {
    let running: RunningGateway
    let ask: Ask

    beforeAll(async () => {
      running = await gateway.start(stage.input(index))
      ask = createClient(running.url, stage.ca.cert)
    })
    afterAll(() => running?.stop())

    test('passes with its certificate, of which the upstream learns nothing', async () => {
      const { status, body } = await ask(holder, await boundTo(holder))
      expect({ status, body }).toMatchObject({ status: 200, body: { 'x-postern-subject': 'alice' } })
      const secret = ['authorization', ...headersOf(holder).map(([name]) => name.toLowerCase())]
      for (const name of secret) expect(body).not.toHaveProperty(name)
    })

    test('is refused with another certificate of the same authority, and with none', async () => {
      for (const certificate of [thief, undefined]) {
        expect(await ask(certificate, await boundTo(holder))).toMatchObject({ status: 401 })
      }
      expect(await ask(undefined, await bearer({}))).toMatchObject({ status: 200 })
    })

    test('does not pass with a certificate of an authority that the gateway does not know', async () => {
      const stranger = await selfSign({ subject: '/CN=holder' })
      const answer = ask(stranger, await boundTo(stranger)).then(({ status }) => status)
      await (gateway.name === 'NGINX'
        ? expect(answer).resolves.toBe(400)
        : expect(answer).rejects.toThrow(/alert|ECONNRESET|EPIPE|hang up/))
    })

    test('is known by the certificate of the connection, whatever headers a client sends', async () => {
      const authorization = await boundTo(holder)
      for (const forged of forgedHeaders(holder)) {
        for (const certificate of [thief, undefined]) {
          expect(await ask(certificate, [...authorization, ...forged])).toMatchObject({ status: 401 })
        }
      }
      expect(await ask(holder, [...authorization, ...headersOf(thief).flat()])).toMatchObject({ status: 200 })
    })

    const issue = (wanted: readonly CertificateOptions[]) =>
      Promise.all(wanted.map((options) => stage.ca.issue(options)))
    const namesOf = ({ cert }: Certificate) => {
      const { subject, subjectAltName } = new X509Certificate(cert)
      return `${subject} ${subjectAltName}`
    }

    test('passes whatever names its certificate holds', async () => {
      for (const certificate of await issue(awkwardNames)) {
        const names = namesOf(certificate)
        expect(await ask(certificate, await boundTo(certificate)), names).toMatchObject({ status: 200 })
        expect(await ask(certificate, await boundTo(holder)), names).toMatchObject({ status: 401 })
      }
    })

    test('is refused with a certificate whose names tell of another', async () => {
      for (const certificate of await issue(forgedNames(holder))) {
        expect(await ask(certificate, await boundTo(holder)), namesOf(certificate)).toMatchObject({ status: 401 })
      }
    })

    test('is known by the first certificate of a chain, and no other', async () => {
      const subordinate = await stage.ca.subordinate('Subordinate')
      const leaf = await subordinate.issue({ subject: '/CN=leaf' })
      await subordinate.remove()
      const chained = { ...leaf, cert: leaf.cert + subordinate.cert }
      expect(await ask(chained, await boundTo(leaf))).toMatchObject({ status: 200 })
      expect(await ask(chained, await boundTo(subordinate))).toMatchObject({ status: 401 })
      const withAnother = { ...thief, cert: thief.cert + holder.cert }
      expect(await ask(withAnother, await boundTo(holder))).toMatchObject({ status: 401 })
    })

    test('is known by its certificate on a resumed connection, too', async () => {
      const authorization = await boundTo(holder)
      for (const [certificate, status] of [
        [holder, 200],
        [thief, 401],
      ] as const) {
        const { session } = await ask(certificate, authorization)
        expect(await ask(certificate, authorization, session)).toMatchObject({ resumed: true, status })
      }
    })
  })
}
