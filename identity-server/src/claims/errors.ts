/** Why an expression or template could not be accepted, or not be evaluated. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
  /** Stable: of the CEL library, or of this folder. */
  readonly code: string
  /** Characters from the beginning of the text; undefined where no place in it is to blame. */
  readonly position: number | undefined
  /** Where the text stands: a JSON pointer into the value, `condition`, `key`, `url`. Empty: at the top. */
  readonly where: string

  /** @param message for administrators; it may quote the data that was evaluated, so it stays out of logs */
  constructor(code: string, message: string, position?: number, where = '') {
    super(message)
    this.code = code
    this.position = position
    this.where = where
  }

  /** The same error, seen from the text around: `offset` characters before it, at `where`. */
  within(where: string, offset = 0): ExpressionError {
    const position = this.position === undefined ? undefined : this.position + offset
    return new ExpressionError(this.code, this.message, position, `${where}${this.where}`)
  }

  /** Place and code, without any data. */
  get reason(): string {
    return `${this.code}${this.place}`
  }

  /** For administrators, who may see the data. */
  get explanation(): string {
    return `${this.message}${this.place}`
  }

  private get place(): string {
    const parts = [this.position === undefined ? '' : `at character ${this.position}`, this.where && `of ${this.where}`]
    const place = parts.filter((part) => part !== '').join(' ')
    return place === '' ? '' : ` (${place})`
  }
}

/** A claim that is due could not be made, so the token or answer that should hold it is not given. */
export class ClaimError extends Error {
  override readonly name = 'ClaimError'
  readonly claim: string
  readonly reason: string
  /** Whether a source of attributes was to blame, so that trying again may help. */
  readonly temporary: boolean

  /** @param reason for the log: a code and a place, never data */
  constructor(claim: string, reason: string, temporary: boolean) {
    super(`claim ${claim} could not be made: ${reason}`)
    this.claim = claim
    this.reason = reason
    this.temporary = temporary
  }
}
