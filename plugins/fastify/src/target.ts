/** Request targets that the plugins after this one may read differently than the sidecar. */

/** `origin-form` (RFC 9112 section 3.2.1), of which proxies drop or replace everything else. */
const originForm = /^\/[\x21\x22\x24-\x5B\x5D-\x7E]*$/
/** `.` and `..` as a segment, encoded or not, between slashes, encoded or not. */
const dotSegment = /(?:^|\/|%2f|%5c)(?:\.|%2e){1,2}(?:\/|%2f|%5c|$)/i

/**
 * Whether target and decision cannot come apart: a proxy that builds a URL from the target resolves dot segments and
 * turns `\` into `/`, so the upstream would get another path than the one that was decided about.
 */
export function isUnambiguous(target: string): boolean {
  const query = target.indexOf('?')
  return originForm.test(target) && !dotSegment.test(query < 0 ? target : target.slice(0, query))
}
