/** What is looked at before any signature: here, all of them are right. */
import { expect, test } from 'vitest'
import { createVerifyIssuerJwt } from '../../../src/remote/jwt/issuer-jwt.ts'

const verify = createVerifyIssuerJwt({
  issuer: 'https://id.example',
  algorithms: ['ES256', 'EdDSA'],
  verifySignature: async () => undefined,
})
const jwt = (header: Record<string, unknown>, payload: Record<string, unknown> = {}) => ({
  header: { alg: 'ES256', typ: 'at+jwt', ...header },
  payload: { iss: 'https://id.example', ...payload },
  signingInput: Buffer.of(),
  signature: Buffer.of(),
})

test.each<[what: string, header: Record<string, unknown>, types: (string | undefined)[]]>([
  ['a usual one', {}, ['at+jwt']],
  ['another accepted algorithm', { alg: 'EdDSA' }, ['at+jwt']],
  ['the long form of its type, in capitals', { typ: 'Application/AT+JWT' }, ['at+jwt']],
  ['no type, where that may be', { typ: undefined }, [undefined]],
])('%s is believed', async (_what, header, types) => {
  expect(await verify(jwt(header), types)).toEqual({ iss: 'https://id.example' })
})

test.each<[what: string, header: Record<string, unknown>, payload?: Record<string, unknown>]>([
  ['an algorithm that is not accepted', { alg: 'RS256' }],
  ['no signature', { alg: 'none' }],
  ['a symmetric algorithm', { alg: 'HS256' }],
  ['an algorithm in other letters', { alg: 'es256' }],
  ['a list of algorithms', { alg: ['ES256'] }],
  ['no algorithm', { alg: undefined }],
  ['a critical extension', { crit: ['exp'] }],
  ['an empty list of critical extensions', { crit: [] }],
  ['critical extensions that are null', { crit: null }],
  ['b64', { b64: true }],
  ['another type', { typ: 'JWT' }],
  ['no type', { typ: undefined }],
  ['a type that is no text', { typ: ['at+jwt'] }],
  ['another issuer', {}, { iss: 'https://other.example' }],
  ['several issuers', {}, { iss: ['https://id.example'] }],
  ['no issuer', {}, { iss: undefined }],
])('%s is not', async (_what, header, payload) => {
  await expect(verify(jwt(header, payload), ['at+jwt'])).rejects.toMatchObject({ code: 'invalid_token' })
})

test('what the signature does not prove is not believed', async () => {
  const refusing = createVerifyIssuerJwt({
    issuer: 'https://id.example',
    algorithms: ['ES256'],
    verifySignature: () => Promise.reject(new Error('no')),
  })
  await expect(refusing(jwt({}), ['at+jwt'])).rejects.toThrow('no')
})
