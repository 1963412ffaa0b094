/** Auth servers as the OAuth endpoints need them, found by the first segment of the path. */

import { Value } from 'typebox/value'
import { findAuthServer } from '../store/auth-servers.ts'
import { type CachedLookup, createCachedLookup } from '../store/cached-lookup.ts'
import type { Database } from '../store/database.ts'
import { listScopes } from '../store/scopes.ts'
import { type DetailType, detailTypesOf } from './detail-types.ts'
import { Limits, tighten } from './limits.ts'
import { AuthServerSettings } from './settings.ts'

export interface AuthServer {
  id: string
  /** The issuer identifier (RFC 8414 section 2). */
  issuer: string
  audience: string
  /** Seconds. */
  accessTokenLifetime: number
  /** Granted where a request names no scope. */
  defaultScopes: readonly string[]
  /** Published as `scopes_supported`. */
  publishedScopes: readonly string[]
  settings: AuthServerSettings
  /** Its types of authorization details, by name. */
  detailTypes: ReadonlyMap<string, DetailType>
  /** Its own and those of the organizations above it. */
  limits: Limits
}

/** What an auth server's id may be: it stands in URLs. */
export const authServerIdPattern = '^[a-z0-9][a-z0-9-]{0,62}$'

/** Most scopes of one auth server. */
export const maxScopes = 1_000

/** @param publicOrigin scheme and authority under which clients reach this server, without a trailing slash */
export function createAuthServers(db: Database, publicOrigin: string): CachedLookup<AuthServer> {
  return createCachedLookup({
    changes: db.changes,
    max: 10_000,
    entryPer: 'auth server',
    tables: ['auth_servers', 'scopes'],
    load: (authServer) =>
      db.read({ authServer }, async (tx) => {
        const row = await findAuthServer(tx, authServer)
        if (!row) return undefined
        const scopes = await listScopes(tx, authServer, { after: undefined, limit: maxScopes })
        const settings = Value.Parse(AuthServerSettings, row.settings)
        return {
          id: row.id,
          issuer: issuerOf(publicOrigin, row.id),
          audience: row.audience,
          accessTokenLifetime: row.access_token_lifetime,
          defaultScopes: scopes.filter((scope) => scope.is_default).map((scope) => scope.name),
          publishedScopes: scopes.filter((scope) => scope.include_in_metadata).map((scope) => scope.name),
          settings,
          detailTypes: detailTypesOf(settings),
          limits: tighten(Value.Parse(Limits, row.inherited_limits), Value.Parse(Limits, row.limits)),
        }
      }),
  })
}

export function issuerOf(publicOrigin: string, authServer: string): string {
  return `${publicOrigin}/${authServer}`
}

/** Ids that other paths of this server need. */
export const reservedAuthServerIds: ReadonlySet<string> = new Set(['admin', 'healthz', 'readyz', 'metrics'])
