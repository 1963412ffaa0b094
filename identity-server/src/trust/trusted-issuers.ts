/** The issuers that auth servers trust, kept in memory between requests. */
import { Value } from 'typebox/value'
import type { KeysOf } from '../clients/keys.ts'
import { type CachedLookup, createCachedLookup } from '../store/cached-lookup.ts'
import type { Database } from '../store/database.ts'
import { listTrustedIssuers } from '../store/trusted-issuers.ts'
import { TrustedIssuerSettings } from './settings.ts'
import { createTrustedIssuer, type TrustedIssuer } from './trusted-issuer.ts'

/** By issuer identifier; those that are disabled are not there. */
export type TrustedIssuers = ReadonlyMap<string, TrustedIssuer>

/** Most trusted issuers of one auth server. */
export const maxTrustedIssuers = 1_000

export function createTrustedIssuers(db: Database, keysOf: KeysOf): CachedLookup<TrustedIssuers> {
  return createCachedLookup({
    changes: db.changes,
    max: 10_000,
    entryPer: 'auth server',
    tables: ['trusted_issuers'],
    load: (authServer) =>
      db.read({ authServer }, async (tx) => {
        const rows = await listTrustedIssuers(tx, authServer, { after: undefined, limit: maxTrustedIssuers })
        return new Map(
          rows
            .filter((row) => row.enabled)
            .map(({ id, issuer, settings }) => [
              issuer,
              createTrustedIssuer({ id, issuer, settings: Value.Parse(TrustedIssuerSettings, settings) }, keysOf),
            ]),
        )
      }),
  })
}
