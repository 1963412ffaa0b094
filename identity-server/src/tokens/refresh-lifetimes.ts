/** How long grants with refresh tokens live. Settings are in seconds, times in ms since the epoch. */
import type { Client } from '../clients/clients.ts'
import type { GrantRow } from '../store/grants.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import { defaultGrantLifetime, defaultRefreshTokenLifetime } from '../tenancy/settings.ts'

export interface RefreshLifetimes {
  /** Of a refresh token that lies unused. */
  idleMs: number
  /** Of the whole grant. */
  totalMs: number
}

/** What the client's or else the auth server's settings say, within the tenant's limits. */
export function refreshLifetimes(authServer: AuthServer, client: Client): RefreshLifetimes {
  const setting = (name: 'refresh_token_lifetime' | 'grant_lifetime') =>
    client.settings[name] ?? authServer.settings[name]
  const idle = setting('refresh_token_lifetime') ?? defaultRefreshTokenLifetime
  const total = setting('grant_lifetime') ?? defaultGrantLifetime
  const limit = authServer.limits.refresh_token_lifetime ?? total
  return { idleMs: idle * 1_000, totalMs: Math.min(total, limit) * 1_000 }
}

/**
 * When the grant's refresh token can no longer be used. Lifetimes that were shortened hold for grants that are there;
 * longer ones do not bring back what had ended.
 */
export function refreshTokenEnd(grant: GrantRow, { idleMs, totalMs }: RefreshLifetimes): number {
  return Math.min(
    grant.idle_until.getTime(),
    grant.used_at.getTime() + idleMs,
    grant.ends_at.getTime(),
    grant.created_at.getTime() + totalMs,
  )
}
