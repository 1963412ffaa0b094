/** Clients as the OAuth endpoints need them: with their scopes and secrets, kept in memory between requests. */

import { Value } from 'typebox/value'
import { type CachedLookup, createCachedLookup } from '../store/cached-lookup.ts'
import type { Database } from '../store/database.ts'
import { findWholeClient, type WholeClient } from '../store/whole-clients.ts'
import type { StoredSecret } from './secret.ts'
import { ClientSettings } from './settings.ts'

export interface Client {
  id: string
  name: string
  enabled: boolean
  grantTypes: readonly string[]
  authMethods: readonly string[]
  /** The `aud` of its tokens; undefined: the auth server's. */
  audience: string | undefined
  /** Seconds; undefined: the auth server's. */
  accessTokenLifetime: number | undefined
  mayIntrospect: boolean
  scopes: readonly string[]
  secrets: readonly StoredSecret[]
  settings: ClientSettings
}

/** What a client's id may be. RFC 6749 appendix A.1 allows more; these need no encoding anywhere. */
export const clientIdPattern = '^[A-Za-z0-9._~-]{1,128}$'

/** Most secrets that one client may have at once: enough to rotate with overlap, few enough to try each. */
export const maxClientSecrets = 10

export function createClients(db: Database): CachedLookup<Client> {
  return createCachedLookup({
    changes: db.changes,
    max: 100_000,
    entryPer: 'client',
    tables: ['clients', 'client_scopes', 'client_secrets'],
    load: async (authServer, id) => {
      const row = await findWholeClient(db, authServer, id)
      return (
        row && {
          id: row.id,
          name: row.name,
          enabled: row.enabled,
          grantTypes: row.grant_types,
          authMethods: row.token_endpoint_auth_methods,
          audience: row.audience ?? undefined,
          accessTokenLifetime: row.access_token_lifetime ?? undefined,
          mayIntrospect: row.may_introspect,
          scopes: row.scopes,
          settings: Value.Parse(ClientSettings, row.settings),
          secrets: row.secrets.map(toStoredSecret),
        }
      )
    },
  })
}

export function toStoredSecret(row: WholeClient['secrets'][number]): StoredSecret {
  return {
    id: row.id,
    hash: row.hash,
    hashKey: row.hash_key,
    encrypted:
      row.ciphertext && row.encryption_key !== null
        ? { keyId: row.encryption_key, ciphertext: row.ciphertext }
        : undefined,
    expiresAt: row.expires_at?.getTime(),
  }
}
