/** The revocation feed: Security Event Tokens (RFC 8417) by long polling (RFC 8936), each receiver at its own pace. */
import {
  type PollRequest,
  type PollResponse,
  securityEventType,
  type TokenRevokedClaims,
  tokenRevoked,
} from '@postern/protocol/security-event'
import type { KeyRing } from '../keys/signing-keys.ts'
import type { Revocation } from '../store/revocations.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { RevocationLog } from './log.ts'

const defaultEvents = 100

export interface FeedReader {
  authServer: AuthServer
  keys: KeyRing
  /** The client that polls: the audience of what it receives. */
  clientId: string
}

/**
 * Answers a poll; without news, once there is some or when the signal ends the wait.
 * @throws StoreError
 */
export async function pollRevocations(
  log: RevocationLog,
  reader: FeedReader,
  request: PollRequest,
  signal: AbortSignal,
): Promise<PollResponse> {
  const { id } = reader.authServer
  const after = request.after ?? '0'
  const limit = request.maxEvents ?? defaultEvents
  for (;;) {
    // Asked for before reading: what is committed between the two then still wakes us.
    const changed = log.changed(id, signal)
    const found = await log.after(id, Number(after), limit + 1)
    if (found.length > 0 || request.returnImmediately || signal.aborted) return answer(reader, found, limit, after)
    await changed
  }
}

async function answer(reader: FeedReader, found: Revocation[], limit: number, after: string): Promise<PollResponse> {
  const sent = found.slice(0, limit)
  const sets = await Promise.all(sent.map((revocation) => toSecurityEvent(reader, revocation)))
  const next = sent.at(-1)?.sequence.toString() ?? after
  return { sets: Object.fromEntries(sets), moreAvailable: found.length > limit, next }
}

async function toSecurityEvent(reader: FeedReader, revocation: Revocation): Promise<[jti: string, set: string]> {
  const { issuer } = reader.authServer
  // The same event has the same identifier in every delivery (RFC 8417 section 2.2).
  const jti = `revocation-${revocation.sequence}`
  const claims: TokenRevokedClaims = {
    iss: issuer,
    aud: reader.clientId,
    iat: Math.floor(revocation.revokedAt.getTime() / 1000),
    jti,
    sub_id: { format: 'jwt_id', iss: issuer, jti: revocation.jti },
    events: { [tokenRevoked]: { token_expires_at: Math.floor(revocation.expiresAt.getTime() / 1000) } },
  }
  return [jti, await reader.keys.active.sign(securityEventType, claims)]
}
