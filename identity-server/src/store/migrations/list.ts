/** The migrations in their order. A landed migration is never edited: a change is a new file and a new line. */
import type { Migration } from 'kysely/migration'
import * as foundation from './0001-foundation.ts'
import * as authServerOwnership from './0002-auth-server-ownership.ts'
import * as maintenance from './0003-maintenance.ts'
import * as keyLifecycle from './0004-key-lifecycle.ts'
import * as usedIdentifiers from './0005-used-identifiers.ts'
import * as claims from './0006-claims.ts'
import * as oneQueryLookups from './0007-one-query-lookups.ts'
import * as events from './0008-events.ts'
import * as settingsAndOpaqueTokens from './0009-settings-and-opaque-tokens.ts'
import * as revocationKinds from './0010-revocation-kinds.ts'
import * as grants from './0011-grants.ts'
import * as clientSecretLifecycle from './0013-client-secret-lifecycle.ts'
import * as trustedIssuers from './0014-trusted-issuers.ts'
import * as registration from './0015-registration.ts'
import * as inheritedLimits from './0016-inherited-limits.ts'
import * as masterKeysInUse from './0054-master-keys-in-use.ts'
import * as softwareStatements from './0055-software-statements.ts'
import * as oneQueryGrants from './0056-one-query-grants.ts'

export const migrations: Record<string, Migration> = {
  '0001-foundation': foundation,
  '0002-auth-server-ownership': authServerOwnership,
  '0003-maintenance': maintenance,
  '0004-key-lifecycle': keyLifecycle,
  '0005-used-identifiers': usedIdentifiers,
  '0006-claims': claims,
  '0007-one-query-lookups': oneQueryLookups,
  '0008-events': events,
  '0009-settings-and-opaque-tokens': settingsAndOpaqueTokens,
  '0010-revocation-kinds': revocationKinds,
  '0011-grants': grants,
  '0013-client-secret-lifecycle': clientSecretLifecycle,
  '0014-trusted-issuers': trustedIssuers,
  '0015-registration': registration,
  '0016-inherited-limits': inheritedLimits,
  '0054-master-keys-in-use': masterKeysInUse,
  '0055-software-statements': softwareStatements,
  '0056-one-query-grants': oneQueryGrants,
}
