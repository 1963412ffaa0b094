/**
 * The error codes that OAuth endpoints and protected resources answer with, each with its HTTP status and the
 * section that defines it. Code that refuses something throws an `OAuthError`; turning it into an HTTP answer
 * happens in one place per service.
 */
const codes = {
  invalid_request: { status: 400, specification: 'RFC 6749 section 5.2' },
  invalid_client: { status: 401, specification: 'RFC 6749 section 5.2' },
  invalid_grant: { status: 400, specification: 'RFC 6749 section 5.2' },
  unauthorized_client: { status: 400, specification: 'RFC 6749 section 5.2' },
  unsupported_grant_type: { status: 400, specification: 'RFC 6749 section 5.2' },
  invalid_scope: { status: 400, specification: 'RFC 6749 section 5.2' },
  invalid_target: { status: 400, specification: 'RFC 8707 section 2' },
  invalid_authorization_details: { status: 400, specification: 'RFC 9396 section 5' },
  invalid_dpop_proof: { status: 400, specification: 'RFC 9449 section 5' },
  use_dpop_nonce: { status: 400, specification: 'RFC 9449 section 8' },
  unsupported_token_type: { status: 400, specification: 'RFC 7009 section 2.2.1' },
  invalid_redirect_uri: { status: 400, specification: 'RFC 7591 section 3.2.2' },
  invalid_client_metadata: { status: 400, specification: 'RFC 7591 section 3.2.2' },
  invalid_software_statement: { status: 400, specification: 'RFC 7591 section 3.2.2' },
  unapproved_software_statement: { status: 400, specification: 'RFC 7591 section 3.2.2' },
  invalid_token: { status: 401, specification: 'RFC 6750 section 3.1' },
  insufficient_scope: { status: 403, specification: 'RFC 6750 section 3.1' },
  insufficient_user_authentication: { status: 401, specification: 'RFC 9470 section 3' },
  temporarily_unavailable: { status: 503, specification: 'RFC 6749 section 4.1.2.1' },
  server_error: { status: 500, specification: 'RFC 6749 section 4.1.2.1' },
} as const

export type OAuthErrorCode = keyof typeof codes

export const oauthErrorCodes: Readonly<Record<OAuthErrorCode, { status: number; specification: string }>> = codes

export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly status: number

  /**
   * @param code one of the registered error codes
   * @param description for the developer of the client; must hold neither a secret nor a token, and only the
   *   characters that RFC 6749 section 5.2 allows (`%x20-21 / %x23-5B / %x5D-7E`)
   * @param options `status` where the code's own is not specific enough (413 for a body that is too large), `cause`
   *   for the log
   */
  constructor(code: OAuthErrorCode, description: string, options: { status?: number; cause?: unknown } = {}) {
    super(description, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = options.status ?? codes[code].status
  }

  /** The JSON body of the error answer (RFC 6749 section 5.2). */
  toBody(): { error: OAuthErrorCode; error_description: string } {
    return { error: this.code, error_description: this.message }
  }
}
