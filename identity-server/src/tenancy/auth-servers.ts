/** Auth servers as the OAuth endpoints need them, found by the first segment of the path. */

import { Value } from 'typebox/value'
import { type AttributeSourceRow, listAttributeSources } from '../store/attribute-sources.ts'
import { findAuthServer } from '../store/auth-servers.ts'
import { type CachedLookup, createCachedLookup } from '../store/cached-lookup.ts'
import { type ClaimRow, listClaims } from '../store/claims.ts'
import type { Database, Tx } from '../store/database.ts'
import { listOrganizationPath } from '../store/organizations.ts'
import { listScopes } from '../store/scopes.ts'
import { type DetailType, detailTypesOf } from './detail-types.ts'
import { effectiveLimitsOf } from './inheritance.ts'
import type { Limits } from './limits.ts'
import { AuthServerSettings } from './settings.ts'

export interface AuthServer {
  id: string
  /** The organization that it belongs to. */
  organization: string
  /** The issuer identifier (RFC 8414 section 2). */
  issuer: string
  name: string
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
  /** Undefined where it has none. */
  claims: StoredClaims | undefined
}

/** Claims as they are stored, and what they can be made from. */
export interface StoredClaims {
  rows: readonly ClaimRow[]
  sources: readonly AttributeSourceRow[]
  /** The organizations from the root to its own. */
  organizationPath: readonly { id: string; name: string }[]
}

/** What an auth server's id may be: it stands in URLs. */
export const authServerIdPattern = '^[a-z0-9][a-z0-9-]{0,62}$'

/** Most scopes of one auth server. */
export const maxScopes = 1_000
/** Most claims, and most attribute sources, of one auth server. */
export const maxClaims = 50

/** @param publicOrigin scheme and authority under which clients reach this server, without a trailing slash */
export function createAuthServers(db: Database, publicOrigin: string): CachedLookup<AuthServer> {
  return createCachedLookup({
    changes: db.changes,
    max: 10_000,
    entryPer: 'auth server',
    tables: ['auth_servers', 'scopes', 'claims', 'attribute_sources'],
    load: async (authServer) => {
      const rows = await db.read({ authServer }, (tx) => readRows(tx, authServer))
      return rows && { ...toAuthServer(rows, publicOrigin), claims: await toClaims(db, rows) }
    },
  })
}

type Rows = NonNullable<Awaited<ReturnType<typeof readRows>>>

async function readRows(tx: Tx, authServer: string) {
  const row = await findAuthServer(tx, authServer)
  if (!row) return undefined
  const scopes = await listScopes(tx, authServer, { after: undefined, limit: maxScopes })
  const allClaims = { after: undefined, limit: maxClaims }
  const claims = await listClaims(tx, authServer, allClaims)
  // Without claims nothing names them, and one question is saved.
  const sources = claims.length === 0 ? [] : await listAttributeSources(tx, authServer, allClaims)
  return { row, scopes, claims, sources }
}

function toAuthServer({ row, scopes }: Rows, publicOrigin: string): Omit<AuthServer, 'claims'> {
  const settings = Value.Parse(AuthServerSettings, row.settings)
  return {
    id: row.id,
    organization: row.organization_id,
    issuer: issuerOf(publicOrigin, row.id),
    name: row.name,
    audience: row.audience,
    accessTokenLifetime: row.access_token_lifetime,
    defaultScopes: scopes.filter((scope) => scope.is_default).map((scope) => scope.name),
    publishedScopes: scopes.filter((scope) => scope.include_in_metadata).map((scope) => scope.name),
    settings,
    detailTypes: detailTypesOf(settings),
    limits: effectiveLimitsOf(row),
  }
}

async function toClaims(db: Database, { row, claims, sources }: Rows): Promise<StoredClaims | undefined> {
  if (claims.length === 0) return undefined
  // The organizations above are not the tenant's to see; their names are all that is read of them.
  const organizationPath = await db.read('maintenance', (tx) => listOrganizationPath(tx, row.organization_id))
  return { rows: claims, sources, organizationPath }
}

export function issuerOf(publicOrigin: string, authServer: string): string {
  return `${publicOrigin}/${authServer}`
}

/** Ids that other paths of this server need. */
export const reservedAuthServerIds: ReadonlySet<string> = new Set(['admin', 'healthz', 'readyz', 'metrics'])
