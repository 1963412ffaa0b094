/** How long grants with refresh tokens live. Settings are in seconds, times in ms since the epoch. */
import type { Client } from '../clients/clients.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import { defaultGrantLifetime, defaultRefreshTokenLifetime } from '../tenancy/settings.ts'

export interface Lifetimes {
  /** Of a refresh token that lies unused. */
  idleMs: number
  /** Of the whole grant. */
  totalMs: number
}

/** What the client's or else the auth server's settings say, within the tenant's limits. */
export function lifetimesOf(authServer: AuthServer, client: Client): Lifetimes {
  const setting = (name: 'refresh_token_lifetime' | 'grant_lifetime') =>
    client.settings[name] ?? authServer.settings[name]
  const idle = setting('refresh_token_lifetime') ?? defaultRefreshTokenLifetime
  const total = setting('grant_lifetime') ?? defaultGrantLifetime
  const limit = authServer.limits.refresh_token_lifetime ?? total
  return { idleMs: idle * 1_000, totalMs: Math.min(total, limit) * 1_000 }
}
