/** Whatever strangers send: an answer that the RFCs know, and nothing of ours in it. */
import { oauthErrorCodes } from '@postern/protocol/oauth-error'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { grantTypes } from '../../src/grants/list.ts'
import { assertionType } from '../support/assertions.ts'
import { databases } from '../support/databases.ts'
import { basic, type Credentials, send } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { type Tenant, useTenant } from '../support/tenant.ts'

const type = (name: string) => `urn:ietf:params:oauth:token-type:${name}`
const names = [
  'grant_type',
  'scope',
  'resource',
  'audience',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'assertion',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'refresh_token',
  'authorization_details',
  'token',
  'token_type_hint',
  '__proto__',
  'constructor',
]

/** Texts that parsers have stumbled over somewhere. */
const odd = fc.constantFrom(
  '',
  ' ',
  '%',
  '%00',
  '%E0%80%80',
  '\u0000',
  'null',
  '[]',
  '{}',
  '[{"type":"a"}]',
  `${'['.repeat(2_000)}`,
  '-1',
  '1e999',
  '..',
  'a.b.c',
  'e30.e30.e30',
  'eyJhbGciOiJub25lIn0.e30.',
  'pst_at_',
  `pst_at_${'A'.repeat(43)}`,
  `pst_rt_${'A'.repeat(75)}`,
  '\u202E',
  '\uD800',
  'é',
  '＜script＞',
  '<script>alert(1)</script>',
  "' or 1=1 --",
)
const known = fc.constantFrom(...grantTypes, assertionType, type('access_token'), type('jwt'), 'read', 'read write')
const value = fc.oneof(odd, known, fc.string({ unit: 'binary', maxLength: 40 }), fc.base64String({ maxLength: 200 }))
const pair = fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 10 })), value)
const encode = (text: string) => encodeURIComponent(text.toWellFormed())
const body = fc.oneof(
  fc.array(pair, { maxLength: 12 }).map((pairs) => pairs.map(([n, v]) => `${encode(n)}=${encode(v)}`).join('&')),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.toWellFormed()),
)
/** Header values: what no client can send at all is left out. */
const headerValue = fc
  .oneof(odd, fc.string({ maxLength: 60 }))
  .filter((text) => /^[\x21-\x7E]([\x20-\x7E]*[\x21-\x7E])?$/.test(text))
const authorization = fc.oneof(
  headerValue,
  fc.string({ maxLength: 40 }).map((text) => `Basic ${Buffer.from(text).toString('base64')}`),
  headerValue.map((text) => `Bearer ${text}`),
  headerValue.map((text) => `DPoP ${text}`),
)

describe.each(databases)('made-up requests on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let client: Credentials
  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })
  beforeAll(async () => {
    client = await tenant.client({ grant_types: [...grantTypes], resources: ['urn:a'] })
  })

  const codes = new Set<string>(Object.keys(oauthErrorCodes))
  const check = async (endpoint: string, text: string, headers: Record<string, string>, succeeds: boolean) => {
    const init = {
      method: 'POST',
      body: text,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    }
    const answer = await send(`${tenant.issuer}/${endpoint}`, init)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    if (answer.status === 200) {
      expect(succeeds).toBe(true)
      return
    }
    expect([400, 401, 403, 413]).toContain(answer.status)
    expect(codes).toContain(answer.json.error)
    expect(answer.json.error_description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
    // No word of the request comes back (reflected XSS in an error hint, GO-2026-4861), and none of ours goes out.
    expect(answer.text).not.toMatch(/<|alert|stack|\.ts|node_modules|pst_/)
  }

  test.each(['token', 'introspect', 'revoke'])(
    'of strangers are refused at /%s',
    async (endpoint) => {
      const headers = fc.record({ authorization, dpop: headerValue, 'client-cert': headerValue }, { requiredKeys: [] })
      await fc.assert(
        fc.asyncProperty(body, headers, (text, more) => check(endpoint, text, { ...more }, false)),
        { numRuns: 150 },
      )
    },
    120_000,
  )

  test.each(['token', 'introspect', 'revoke'])(
    'of a client are answered at /%s, and never with a failure of ours',
    async (endpoint) => {
      const headers = fc.record({ dpop: headerValue }, { requiredKeys: [] })
      await fc.assert(
        fc.asyncProperty(body, headers, (text, more) => check(endpoint, text, { ...basic(client), ...more }, true)),
        { numRuns: 150 },
      )
      expect(server.logs()).not.toContain(client.secret)
      expect(server.logs()).not.toMatch(/"level":50/)
    },
    120_000,
  )
})
