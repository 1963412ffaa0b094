/** Why the sidecar gave no decision: one error with a stable code. Messages hold no header and no token. */

export type SidecarErrorCode =
  /** Nobody listens, or the connection broke. */
  | 'unreachable'
  /** No whole answer within the deadline. */
  | 'timeout'
  /** Too many calls are under way in this process. */
  | 'overloaded'
  /** The query breaks the limits of the decision contract. */
  | 'query_refused'
  /** An answer, but not a decision: an unknown policy, an error of the sidecar. */
  | 'unexpected_status'
  /** What came back is not the contract's document. */
  | 'nonsense'
  /** A decision that nobody may act on any more. */
  | 'expired'

export class SidecarError extends Error {
  override readonly name = 'SidecarError'
  readonly code: SidecarErrorCode

  /** @param options `cause` for the log */
  constructor(code: SidecarErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
  }
}

/** Whatever a call threw, as a SidecarError. */
export function toSidecarError(error: unknown): SidecarError {
  if (error instanceof SidecarError) return error
  if (isTimeout(error)) return new SidecarError('timeout', 'no answer within the deadline', { cause: error })
  // The parser's error holds the bytes that it could not parse, and with them perhaps a token.
  const cause = error instanceof Error && error.name === 'HTTPParserError' ? undefined : error
  return new SidecarError('unreachable', 'the sidecar could not be asked', { cause })
}

function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'TimeoutError' || error.name === 'ConnectTimeoutError'
}
