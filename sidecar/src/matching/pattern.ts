/** Patterns of paths: `/orders/*` for one segment, `/orders/**` for any number of them, none included. */
import { fold, type Path } from './path.ts'

export interface PathPattern {
  matches(segments: Path['segments']): boolean
  /** Against segments that are folded. */
  matchesFolded(segments: Path['folded']): boolean
}

/** @throws Error where the pattern could not mean what it seems to */
export function parsePattern(text: string): PathPattern {
  if (!text.startsWith('/')) throw new Error('must begin with /')
  const parts = text === '/' ? [] : text.slice(1).split('/')
  if (parts.at(-1) === '') throw new Error('must not end with /, which makes no difference')
  const open = parts.at(-1) === '**'
  const fixed = open ? parts.slice(0, -1) : parts
  for (const part of fixed) refuseStrange(part)
  return {
    matches: createMatch(fixed, open),
    matchesFolded: createMatch(fixed.map(fold), open),
  }
}

function refuseStrange(part: string): void {
  if (part === '*') return
  if (part.includes('*')) throw new Error('may have * only as a whole segment, and ** only at its end')
  if (part === '' || part === '.' || part === '..') throw new Error('may have no empty segments and none of dots')
  if (/[%?#\\;]/.test(part)) throw new Error('is compared with decoded segments, and may hold none of % ? # \\ ;')
  if (part !== part.normalize('NFKC')) throw new Error('must be in Unicode normalization form KC')
}

function createMatch(fixed: readonly string[], open: boolean): (segments: readonly string[]) => boolean {
  return (segments) => {
    if (open ? segments.length < fixed.length : segments.length !== fixed.length) return false
    for (let index = 0; index < fixed.length; index++) {
      if (fixed[index] !== '*' && fixed[index] !== segments[index]) return false
    }
    return true
  }
}
