import { describe, expect, test } from 'vitest'
import { readTokenResponse } from '../../../src/remote/upstream-grants/token-response.ts'

const usual = { access_token: 'abc', token_type: 'Bearer', expires_in: 60 }
const key = { prove: async () => 'proof' }
const read = (change: object, dpop?: typeof key) =>
  readTokenResponse({ status: 200, json: { ...usual, ...change } }, dpop)

describe('a token response', () => {
  test.each([
    ['a lifetime', {}, { expiresIn: 60, scheme: 'Bearer' }],
    ['another spelling of the type', { token_type: 'bEARER' }, { scheme: 'Bearer' }],
    ['no lifetime', { expires_in: undefined }, { expiresIn: 60 }],
    ['a lifetime of ages', { expires_in: 1e300 }, { expiresIn: 86_400 }],
    ['a refresh token', { refresh_token: 'next' }, { refreshToken: 'next' }],
  ])('with %s is understood', (_what, change, expected) => {
    expect(read(change)).toMatchObject({ token: { accessToken: 'abc', ...expected } })
  })

  test.each([
    ['a negative lifetime', { expires_in: -1 }],
    ['no time to live', { expires_in: 0 }],
    ['a lifetime that is text', { expires_in: '60' }],
    ['another type', { token_type: 'mac' }],
    ['a token that is bound to a key that was not asked for', { token_type: 'DPoP' }],
    ['a token that is none (RFC 8693 section 2.2.1)', { token_type: 'N_A' }],
    ['a token that breaks out of a header', { access_token: 'abc\r\nx: y' }],
    ['no token', { access_token: undefined }],
    ['an endless token', { access_token: 'a'.repeat(16_385) }],
  ])('with %s cannot be used', (_what, change) => {
    expect(read(change)).toEqual({ unusable: expect.any(String) })
  })

  test('may be a bound token where it was asked for, or one that is not bound after all', () => {
    expect(read({ token_type: 'dpop' }, key)).toMatchObject({ token: { scheme: 'DPoP', boundTo: key } })
    expect(read({}, key)).toMatchObject({ token: { scheme: 'Bearer', boundTo: undefined } })
  })

  test.each([
    [400, { error: 'invalid_grant', error_description: 'the secret is hunter2' }, 'invalid_grant'],
    [401, { error: 'invalid_client' }, 'invalid_client'],
    [400, { error: 'hunter2' }, undefined],
    [400, { error: 'toString' }, undefined],
  ])('that refuses tells its code, and nothing else: %i %o', (status, json, code) => {
    const response = readTokenResponse({ status, json }, undefined)
    expect(response).toEqual({ code, refused: expect.stringContaining(code ?? 'an unknown code') })
    expect(JSON.stringify(response)).not.toContain('hunter2')
  })

  test.each([
    [500, { error: 'server_error' }],
    [503, { error: 'temporarily_unavailable' }],
    [429, { error: 'slow_down' }],
    [302, undefined],
    [404, undefined],
    [200, { error: 'invalid_grant' }],
    [201, usual],
  ])('of a server that is out of order is no refusal: %i %o', (status, json) => {
    expect(readTokenResponse({ status, json }, undefined)).toEqual({ unusable: expect.any(String) })
  })
})
