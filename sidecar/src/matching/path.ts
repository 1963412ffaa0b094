/**
 * Reads a path in such a way that nobody behind us can read another one. Proxies, frameworks and file systems disagree
 * about `//`, `..`, `%2f`, `;` and their kin; a rule that understood a path otherwise than the upstream would guard the
 * wrong door. So what has more than one reading is not read at all.
 */

export interface Path {
  /** Decoded; without the empty one behind a slash at the end. */
  segments: readonly string[]
  /** As `segments`, for those who take capitals and small letters for the same. */
  folded: readonly string[]
}

/** Oddities that an operator can declare to mean nothing to the upstream. */
export const oddities = ['empty_segments', 'encoded_slashes', 'path_parameters'] as const
export type Oddity = (typeof oddities)[number]

/** Raw: visible ASCII, and none of what a browser or a proxy rewrites. */
const plain = /^[\x21-\x7E]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const refusedOnceDecoded = /[\u0000-\u001F\u007F\\?#]/
/** Line ends, the mark of a byte order, and control characters beyond ASCII: whoever trims drops them, whoever logs is misled. */
const trimmed = /[\u0080-\u009F\u2028\u2029\uFEFF]/
/** The second form is that of old Windows servers. */
const encodedTwice = /%(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})/
/** Some file systems drop these at the end of a name, and whoever trims drops spaces at the beginning. */
const dropped = /^ |[. ]$/

/**
 * @param target the request target in origin form (RFC 9112 section 3.2.1), as the client sent it
 * @param allowed what the upstream is known to take literally
 * @returns undefined where it has more than one reading
 */
export function readPath(target: string, allowed: ReadonlySet<Oddity>): Path | undefined {
  const query = target.indexOf('?')
  const raw = query < 0 ? target : target.slice(0, query)
  if (!raw.startsWith('/') || !plain.test(raw)) return undefined
  const parts = raw.slice(1).split('/')
  if (parts.at(-1) === '') parts.pop()

  const segments: string[] = []
  for (const part of parts) {
    const segment = decode(part)
    if (segment === undefined || !hasOneReading(segment, allowed)) return undefined
    segments.push(segment)
  }
  return { segments, folded: segments.map(fold) }
}

/**
 * One spelling for all that differ by case: through capitals, since `ı` and `i` have the same, of small letters, since `ẞ` has
 * others than `ß`. The dot of `İ` stays over the small letter, where some leave it out.
 */
export function fold(segment: string): string {
  return segment.toLowerCase().toUpperCase().toLowerCase().replaceAll('i\u0307', 'i')
}

function decode(part: string): string | undefined {
  if (!part.includes('%')) return part
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

function hasOneReading(segment: string, allowed: ReadonlySet<Oddity>): boolean {
  if (segment === '') return allowed.has('empty_segments')
  if (refusedOnceDecoded.test(segment) || trimmed.test(segment) || encodedTwice.test(segment)) return false
  if (segment.includes('/') && !allowed.has('encoded_slashes')) return false
  if (segment.includes(';') && !allowed.has('path_parameters')) return false
  // With encoded slashes or parameters, dots could stand between them.
  if (segment.split(/[/;]/).some((piece) => dropped.test(piece))) return false
  return segment === segment.normalize('NFKC')
}
