/** What tokens are made of, and what they are made for. */
import { createClaimSets } from '../claims/claim-sets.ts'
import { createRemoteAttributes } from '../claims/sources/remote.ts'
import { createTokenClaims } from '../claims/token-claims.ts'
import { createLastingGrants } from '../grants/lasting.ts'
import { createGrants } from '../grants/list.ts'
import { createAccessTokens } from '../tokens/access-token.ts'
import { createRefreshTokens } from '../tokens/refresh-token.ts'
import type { Callers } from './callers.ts'
import type { Foundation } from './foundation.ts'
import type { Lookups } from './lookups.ts'
import type { Records } from './records.ts'

export interface TokensOptions {
  lookups: Lookups
  records: Records
  callers: Callers
  /** ms since the epoch */
  now: () => number
}

export function createTokens({ db, masterKeys, outgoing }: Foundation, options: TokensOptions) {
  const { lookups, records, callers, now } = options
  const { events } = records
  const { clients, revocations, trustedIssuers } = lookups
  const accessTokens = createAccessTokens(db)
  const refreshTokens = createRefreshTokens(masterKeys.createMac('refresh tokens'))
  const lastingGrants = createLastingGrants({ db, refreshTokens, events })
  const remoteAttributes = createRemoteAttributes({
    fetchJson: (url, headers, timeoutMs) => outgoing.fetchJson(url, { headers, timeoutMs }),
    now,
  })
  const claimSources = { masterKeys, askRemote: remoteAttributes.ask, checkUrl: outgoing.checkUrl }
  const { replay } = callers
  return {
    accessTokens,
    refreshTokens,
    lastingGrants,
    remoteAttributes,
    claimSources,
    tokenClaims: createTokenClaims(createClaimSets(claimSources), events),
    grants: createGrants({ accessTokens, clients, revocations, replay, trustedIssuers, lastingGrants }),
  }
}
