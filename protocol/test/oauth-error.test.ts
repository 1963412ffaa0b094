import { describe, expect, test } from 'vitest'
import { OAuthError, type OAuthErrorCode, oauthErrorCodes } from '../src/oauth-error.ts'

describe('OAuthError', () => {
  test.each<[code: OAuthErrorCode, status: number]>([
    ['invalid_request', 400],
    ['invalid_client', 401],
    ['invalid_grant', 400],
    ['unauthorized_client', 400],
    ['unsupported_grant_type', 400],
    ['unsupported_grant_type', 400],
    ['invalid_scope', 400],
    ['unsupported_token_type', 400],
    ['invalid_token', 401],
    ['insufficient_scope', 403],
    ['server_error', 500],
    ['temporarily_unavailable', 503],
  ])('%s has the status %i of its specification', (code, status) => {
    expect(new OAuthError(code, 'why').status).toBe(status)
    expect(oauthErrorCodes[code].specification).toMatch(/^RFC \d+ section [\d.]+$/)
  })

  test('shows code and description, and never its cause', () => {
    const error = new OAuthError('invalid_grant', 'expired', { cause: new Error('secret of the database') })
    expect(error.toBody()).toEqual({ error: 'invalid_grant', error_description: 'expired' })
    expect(JSON.stringify(error)).not.toContain('secret')
  })

  test('may be more specific than its code', () => {
    expect(new OAuthError('invalid_request', 'too large', { status: 413 }).status).toBe(413)
  })
})
