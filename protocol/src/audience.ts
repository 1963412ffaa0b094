/** The `aud` claim: one string or an array of strings (RFC 7519 section 4.1.3). */

/** The audiences named by an `aud` value, or undefined where it is neither a string nor an array of strings. */
export function parseAudience(value: unknown): string[] | undefined {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string')) return value
  return undefined
}

/** Whether an `aud` value names at least one accepted audience. Anything malformed names none. */
export function audienceMatches(value: unknown, accepted: readonly string[]): boolean {
  return parseAudience(value)?.some((audience) => accepted.includes(audience)) ?? false
}
