import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ClientSettings } from '../../src/clients/settings.ts'
import { problemOf } from '../../src/clients/validation.ts'

const jwk = { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }) }
const jwks = { keys: [jwk] }

describe("what a client's settings must be together", () => {
  const sound: [ClientSettings, string[]][] = [
    [{}, ['client_secret_basic']],
    [{ tls_client_auth_san_dns: 'a.example' }, ['tls_client_auth']],
    [{ tls_client_auth_subject_dn: 'CN=a, O=b' }, ['tls_client_auth', 'client_secret_basic']],
    [{ tls_client_auth_san_ip: '2001:db8::1' }, ['client_secret_basic']],
    [{ tls_client_certificate_bound_access_tokens: true, dpop_bound_access_tokens: true }, ['none']],
    [{ jwks }, ['self_signed_tls_client_auth']],
    [{ jwks_uri: 'https://a.example/jwks' }, ['self_signed_tls_client_auth']],
  ]
  test.each(sound)('%j with %j', (settings, methods) => {
    expect(problemOf(settings, methods, () => undefined)).toBeUndefined()
  })

  const unsound: [string, ClientSettings, string[]][] = [
    ['tls_client_auth needs a setting', {}, ['tls_client_auth']],
    ['tls_client_auth needs a setting', { jwks }, ['client_secret_basic', 'tls_client_auth']],
    [
      'tls_client_auth_san_dns and tls_client_auth_san_uri exclude each other',
      { tls_client_auth_san_dns: 'a.example', tls_client_auth_san_uri: 'urn:a' },
      ['client_secret_basic'],
    ],
    ['tls_client_auth_subject_dn is no', { tls_client_auth_subject_dn: '/CN=a/O=b' }, ['tls_client_auth']],
    ['tls_client_auth_san_ip is no', { tls_client_auth_san_ip: '192.0.2.0/24' }, ['tls_client_auth']],
    ['self_signed_tls_client_auth needs jwks', {}, ['self_signed_tls_client_auth']],
    ['jwks and jwks_uri exclude', { jwks, jwks_uri: 'https://a.example' }, ['client_secret_basic']],
    ['jwks holds a key', { jwks: { keys: [{ ...jwk, d: 'AAAA' }] } }, ['client_secret_basic']],
    ['jwks_uri is refused: not_https', { jwks_uri: 'http://a.example' }, ['client_secret_basic']],
  ]
  test.each(unsound)('not: %s', (problem, settings, methods) => {
    expect(problemOf(settings, methods, () => 'not_https')).toContain(problem)
  })
})
