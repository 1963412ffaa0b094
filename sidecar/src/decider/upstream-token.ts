/** From a decision to the one with the upstream's token. */
import type { Allow } from '@postern/protocol/decision'
import type { UpstreamToken } from '../remote/upstream-tokens/upstream-tokens.ts'
import type { Verified } from './outcome-cache.ts'

/** Made once for each pair of the two. */
export function combine(outcome: Verified, header: string, token: UpstreamToken): Allow {
  if (outcome.combined?.accessToken === token.accessToken) return outcome.combined.allow
  const allow = withUpstreamToken(outcome.allow, header, token)
  outcome.combined = { accessToken: token.accessToken, allow }
  return allow
}

export function withUpstreamToken(allow: Allow, header: string, { headerValue, expiresAt }: UpstreamToken): Allow {
  return {
    ...allow,
    set_headers: { ...allow.set_headers, [header]: headerValue },
    expires_at: Math.min(allow.expires_at, expiresAt / 1_000),
  }
}
