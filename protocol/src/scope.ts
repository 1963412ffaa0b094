/** Scopes: space-delimited, case-sensitive, unordered (RFC 6749 section 3.3). */

const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/** Whether the text is one `scope-token` of RFC 6749 section 3.3. */
export function isScopeToken(text: string): boolean {
  return scopeToken.test(text)
}

/**
 * Parses a `scope` parameter or claim.
 * @returns its distinct scope tokens in their order, or undefined where the text breaks the grammar
 */
export function parseScope(text: string): string[] | undefined {
  if (text === '') return []
  const tokens = text.split(' ')
  return tokens.every(isScopeToken) ? [...new Set(tokens)] : undefined
}

/** The value of a `scope` parameter or claim. */
export function formatScope(scopes: readonly string[]): string {
  return scopes.join(' ')
}

/** The required scopes that are not among the granted ones. */
export function missingScopes(required: readonly string[], granted: readonly string[]): string[] {
  return required.filter((scope) => !granted.includes(scope))
}
