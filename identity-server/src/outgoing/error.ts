/** Why a request to a URL that a tenant gave has brought nothing. */
export type OutgoingReason =
  /** No URL, or one that is not written plainly: too long, with white space, backslashes or a fragment. */
  | 'malformed_url'
  /** Neither https nor, where that is allowed, http to this machine. */
  | 'not_https'
  /** The URL holds a user name or password. */
  | 'credentials_in_url'
  /** The host is, or its name leads to, an address that is not public. */
  | 'forbidden_address'
  /** The name does not resolve, nobody listens, TLS fails, or the connection breaks. */
  | 'unreachable'
  | 'timeout'
  | 'redirect'
  /** The status is not 200; the error's `status` tells it. */
  | 'bad_status'
  /** The head or the body of the answer. */
  | 'too_large'
  /** The body is compressed, which was not asked for. */
  | 'encoded'
  /** The content type is none of those asked for. */
  | 'bad_content_type'
  | 'not_json'
  /** JSON, but not what was asked for. */
  | 'unexpected_content'
  /** As many requests as allowed are under way already. */
  | 'overloaded'

/** With these, it may be different in a moment, and nobody is to blame: the answer is 503, not a refusal. */
const temporary: ReadonlySet<OutgoingReason> = new Set(['unreachable', 'timeout', 'overloaded'])

export class OutgoingError extends Error {
  override readonly name = 'OutgoingError'
  readonly reason: OutgoingReason
  /** Of an answer that was no 200. */
  readonly status: number | undefined

  /**
   * @param host for whoever reads the log; never more of the URL, whose path and query may hold secrets
   * @param options `cause` for the log
   */
  constructor(reason: OutgoingReason, host: string, options: { status?: number; cause?: unknown } = {}) {
    super(`${host}: ${reason}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.status = options.status
  }

  /** Whether the same request may succeed a little later. */
  get isTemporary(): boolean {
    const { reason, status = 0 } = this
    // 429 asks for patience (RFC 6585 section 4).
    return temporary.has(reason) || (reason === 'bad_status' && (status >= 500 || status === 429))
  }
}
