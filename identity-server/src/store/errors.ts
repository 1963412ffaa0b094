/**
 * What a store function can fail with. Features and HTTP see these kinds, never a driver's error; the driver's error
 * stays as `cause` for the log.
 */
export type StoreErrorKind =
  /** A row of that identity exists already. */
  | 'conflict'
  /** The row refers to something that does not exist. */
  | 'unknown_reference'
  /** The row is still referred to. */
  | 'in_use'
  /** The database refused a value that was let through to it. */
  | 'invalid_value'
  /** The database could not be asked, or not in time. */
  | 'unavailable'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly kind: StoreErrorKind

  constructor(kind: StoreErrorKind, cause: unknown) {
    super(`store: ${kind}`, { cause })
    this.kind = kind
  }
}

/** SQLSTATE classes and codes (PostgreSQL manual, appendix A). */
const kinds: Record<string, StoreErrorKind> = {
  '23505': 'conflict',
  '23503': 'unknown_reference',
  '23001': 'in_use',
  // Row-level security: what the tenant may not see does not exist for it.
  '42501': 'unknown_reference',
  '23514': 'invalid_value',
}

/** Class 22: values that the database could not take, such as a NUL character or a date before the first year. */
const invalidValue = /^22/
/** Classes that mean the server is not there, shutting down, overloaded or too slow, or asks to try again (40). */
const unavailable = /^(?:08|40|53|57|58)/

/** Wraps a driver's error; an error that is none of the above comes back unchanged. */
export function toStoreError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  // PostgreSQL reports both directions of a foreign key with one code; only the detail tells them apart.
  if (code === '23503' && 'detail' in error && String(error.detail).includes('is still referenced')) {
    return new StoreError('in_use', error)
  }
  const kind = kinds[code] ?? (invalidValue.test(code) ? 'invalid_value' : undefined)
  if (kind) return new StoreError(kind, error)
  const connectionLost = /^E[A-Z]+$/.test(code) || /timeout|terminated|connection|closed/i.test(error.message)
  return unavailable.test(code) || (code === '' && connectionLost) || /^E[A-Z]+$/.test(code)
    ? new StoreError('unavailable', error)
    : error
}
