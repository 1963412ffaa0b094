import { selfSign } from '@postern/tools/certificates'
import { afterAll, describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { accessTokenHash, createDpopKey, type DpopKey } from '../support/dpop.ts'
import { type Answer, basic, postForm, send, toAnswer } from '../support/http.ts'
import { createMtlsBench, createMtlsClient, type MtlsBench, type MtlsClient } from '../support/mtls.ts'
import type { TestServer } from '../support/server.ts'
import { useTenant } from '../support/tenant.ts'

const grant = { grant_type: 'client_credentials' }

describe.each(databases)('bound tokens at the admin API on $kind', ({ start }) => {
  let server: TestServer
  let bench: MtlsBench
  let key: DpopKey
  let holder: MtlsClient
  let stranger: MtlsClient

  useTenant(
    start,
    async (made) => {
      server = made.server
      key = await createDpopKey('ES256', server.now)
      holder = createMtlsClient(bench.ca, await selfSign({ subject: '/CN=holder' }))
      stranger = createMtlsClient(bench.ca, await selfSign({ subject: '/CN=holder' }))
    },
    async () => {
      bench = await createMtlsBench()
      return { environment: bench.environment }
    },
  )
  afterAll(async () => {
    await holder.close()
    await stranger.close()
    await bench.remove()
  })

  const path = '/admin/v1/organizations'
  const url = () => server.origin + path
  const ask = (authorization: string, dpop?: string, query = '') =>
    send(url() + query, { headers: { authorization, ...(dpop !== undefined && { dpop }) } })
  const dpopToken = async () => {
    const dpop = await key.prove({ htu: `${server.origin}/system/token` })
    return String(
      (await postForm(`${server.origin}/system/token`, grant, server.firstClient, { dpop })).json.access_token,
    )
  }
  const proofFor = (token: string, claims: Record<string, unknown> = {}, by = key) =>
    by.prove({ htm: 'GET', htu: url(), ath: accessTokenHash(token), ...claims })
  const challengeOf = ({ status, headers }: Answer) => [status, headers.get('www-authenticate')]
  const refused = (scheme: string, error: string) => [401, expect.stringMatching(`^${scheme} .*error="${error}"`)]

  test('a token of a DPoP key is taken with a proof for it, each proof once', async () => {
    const token = await dpopToken()
    const proof = await proofFor(token)
    expect((await ask(`DPoP ${token}`, proof, '?limit=1')).status).toBe(200)
    expect(challengeOf(await ask(`DPoP ${token}`, proof))).toEqual(refused('DPoP', 'invalid_dpop_proof'))
    expect((await ask(`dpop ${token}`, await proofFor(token))).status).toBe(200)
  })

  test('and refused as a Bearer token, with a proof or without', async () => {
    const token = await dpopToken()
    expect(challengeOf(await ask(`Bearer ${token}`))).toEqual(refused('Bearer', 'invalid_token'))
    expect(challengeOf(await ask(`Bearer ${token}`, await proofFor(token)))).toEqual(refused('Bearer', 'invalid_token'))
  })

  test('a token that is bound to nothing is refused with a proof', async () => {
    const token = await server.adminToken()
    expect(challengeOf(await ask(`DPoP ${token}`, await proofFor(token)))).toEqual(refused('DPoP', 'invalid_token'))
    expect((await ask(`Bearer ${token}`)).status).toBe(200)
  })

  test.each<[string, string, (token: string) => Promise<string | undefined>]>([
    ['no proof', 'invalid_dpop_proof', async () => undefined],
    ['a proof without the token', 'invalid_dpop_proof', (token) => proofFor(token, { ath: undefined })],
    ['a proof for another token', 'invalid_dpop_proof', (token) => proofFor(`${token}x`)],
    ['a proof for another method', 'invalid_dpop_proof', (token) => proofFor(token, { htm: 'POST' })],
    ['a proof for another path', 'invalid_dpop_proof', (token) => proofFor(token, { htu: `${url()}/1` })],
    ['a proof for the token endpoint', 'invalid_dpop_proof', () => key.prove({ htu: `${server.origin}/system/token` })],
    ['the proof of another key', 'invalid_token', async (token) => proofFor(token, {}, await createDpopKey())],
  ])('%s', async (_, error, prove) => {
    const token = await dpopToken()
    expect(challengeOf(await ask(`DPoP ${token}`, await prove(token)))).toEqual(refused('DPoP', error))
  })

  test('a nonce is asked for where the system auth server says so', async () => {
    const token = await dpopToken()
    await server.admin('PATCH', '/auth-servers/system', { dpop_nonce_required: true })
    const answer = await ask(`DPoP ${token}`, await proofFor(token))
    expect(challengeOf(answer)).toEqual(refused('DPoP', 'use_dpop_nonce'))
    const nonce = answer.headers.get('dpop-nonce')
    expect((await ask(`DPoP ${token}`, await proofFor(token, { nonce }))).status).toBe(200)
    await server.admin('PATCH', '/auth-servers/system', { dpop_nonce_required: null })
  })

  test('a token of a certificate is taken from who shows that one alone', async () => {
    const first = `/auth-servers/system/clients/${server.firstClient.id}`
    const admin = { tls_client_certificate_bound_access_tokens: true }
    const setting = await server.admin('PATCH', first, admin)
    expect(setting.status).toBe(200)
    const { json } = await holder.post(`${bench.origin}/system/token`, grant, basic(server.firstClient))
    await server.admin('PATCH', first, { tls_client_certificate_bound_access_tokens: null })
    const authorization = `Bearer ${json.access_token}`
    const askWith = async (client: MtlsClient) =>
      toAnswer(await client.fetch(bench.origin + path, { headers: { authorization } }))
    expect((await askWith(holder)).status).toBe(200)
    expect(challengeOf(await askWith(stranger))).toEqual(refused('Bearer', 'invalid_token'))
    expect(challengeOf(await ask(authorization))).toEqual(refused('Bearer', 'invalid_token'))
  })

  test('names both schemes where there is no token', async () => {
    const { headers } = await send(url())
    expect(headers.get('www-authenticate')).toMatch(
      /^Bearer realm="postern admin", DPoP realm="postern admin", algs="ES256 /,
    )
  })
})
