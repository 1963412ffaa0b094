/** The step that adds the upstream's own token; never cached with the identity, since the two live differently long. */
import type { UpstreamTokens } from '../remote/upstream-tokens.ts'

export interface UpstreamStep {
  /** Lower case. */
  header: string
  tokens: UpstreamTokens
}

export function upstreamStep(header: string, tokens: UpstreamTokens): UpstreamStep {
  return { header: header.toLowerCase(), tokens }
}
