import type { Database } from '../store/database.ts'
import { useIdentifier } from '../store/used-identifiers.ts'
import type { UsedIdentifiers } from './used-identifiers.ts'

/** Used identifiers in the database, where they survive a crash. */
export function createDatabaseIdentifiers(db: Pick<Database, 'call'>): UsedIdentifiers {
  return {
    use: (authServer, hash, expiresAt, now) => useIdentifier(db, authServer, hash, new Date(expiresAt), new Date(now)),
  }
}
