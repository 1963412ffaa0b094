/** Problems of the admin API (RFC 9457): a stable code each, as `type` and as `code`. */
export const problems = {
  invalid_request: { status: 400, title: 'The request is malformed' },
  invalid_expression: { status: 400, title: 'An expression or template is not valid' },
  unauthorized: { status: 401, title: 'A valid access token is required' },
  insufficient_scope: { status: 403, title: 'The access token does not allow this' },
  not_found: { status: 404, title: 'There is no such resource' },
  conflict: { status: 409, title: 'A resource of that identity exists already' },
  in_use: { status: 409, title: 'The resource is still in use' },
  protected: { status: 409, title: 'The system needs this resource' },
  limit_reached: { status: 409, title: 'There can be no more of these' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  unknown_reference: { status: 422, title: 'The request refers to something that does not exist' },
  server_error: { status: 500, title: 'An unexpected error occurred' },
  temporarily_unavailable: { status: 503, title: 'Try again later' },
} as const

export type ProblemCode = keyof typeof problems

export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  /**
   * @param detail for the reader of the answer; must hold no secret
   * @param headers of the answer: a challenge
   */
  constructor(code: ProblemCode, detail?: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail ?? problems[code].title)
    this.code = code
    this.status = problems[code].status
    this.headers = headers
  }

  toBody(): { type: string; title: string; status: number; code: ProblemCode; detail: string } {
    const { title, status } = problems[this.code]
    return { type: `urn:postern:problem:${this.code}`, title, status, code: this.code, detail: this.message }
  }
}
