/** How a step says no: the token does not suffice, or a dependency could not be asked. */
import type { OAuthErrorCode } from '@postern/protocol/oauth-error'

/** The request is refused. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: OAuthErrorCode
  /** Whether asking again could be answered differently soon: such a refusal is not kept. */
  readonly passing: boolean

  /** @param description for the client's developer; must not hold any part of the token */
  constructor(code: OAuthErrorCode, description: string, passing = false) {
    super(description)
    this.code = code
    this.passing = passing
  }
}

/** A dependency is down, slow, or answers nonsense: nothing is known about the token. */
export class DependencyError extends Error {
  override readonly name = 'DependencyError'
  readonly dependency: string

  /** @param reason for the log; must hold neither token nor secret */
  constructor(dependency: string, reason: string, cause?: unknown) {
    super(`${dependency}: ${reason}`, { cause })
    this.dependency = dependency
  }
}

/**
 * What may be logged of an error. Messages of our own failures hold neither token nor secret; of others' errors, whose
 * messages may quote what was sent, only the code or the name is safe.
 */
export function safeReason(error: unknown): string {
  if (error instanceof DependencyError || error instanceof Refusal) return error.message
  if (!(error instanceof Error)) return 'failed'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
