/**
 * JSON that means the same to whoever reads it (I-JSON, RFC 7493). What one reader takes for the first of two members of
 * one name, and another for the second, cannot be checked here and trusted there.
 */

/** A string with the colon that makes it a member's name; a bracket; or a number. Only valid JSON is read with it. */
const tokens = /("(?:[^"\\]|\\.)*")\s*(:)?|[{}[\]]|-?\d[\d.eE+-]*/g

/**
 * @param maxDepth how far arrays and objects may be nested; a value that is neither has depth 0
 * @returns the value; undefined where the text is not JSON, is nested deeper, or holds what readers take differently: two
 *   members of one name, half of a surrogate pair, a number that a double does not hold
 */
export function parseIJson(text: string, maxDepth: number): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return isUnambiguous(text, maxDepth) ? value : undefined
}

function isUnambiguous(text: string, maxDepth: number): boolean {
  /** The names that each open object has had so far. */
  const open: Set<string>[] = []
  return [...text.matchAll(tokens)].every(([token, string, colon]) => {
    if (string !== undefined) return isReadable(string, colon ? open.at(-1) : undefined)
    if (token === '{' || token === '[') return open.push(new Set()) <= maxDepth
    if (token === '}' || token === ']') return open.pop() !== undefined
    return isExact(Number(token))
  })
}

/**
 * Whether a number that was read from JSON is the one that was written (section 2.2): beyond 2^53, two that differ may read
 * the same. Fractions are approximations to every reader.
 */
export function isExact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value)
}

/**
 * Sections 2.1 and 2.3.
 * @param names where the string is a member's name: those before it, to which it is added
 */
function isReadable(string: string, names: Set<string> | undefined): boolean {
  const unescaped = String(JSON.parse(string))
  if (!unescaped.isWellFormed() || names?.has(unescaped)) return false
  names?.add(unescaped)
  return true
}

/** Whether two JSON values are the same: members in any order, elements in theirs. */
export function jsonEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const members = new Map(Object.entries(other))
  const entries = Object.entries(one)
  return (
    entries.length === members.size &&
    entries.every(([name, value]) => members.has(name) && jsonEqual(value, members.get(name)))
  )
}
