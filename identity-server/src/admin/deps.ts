/** What the resources work with. */
import type { SourceDeps } from '../claims/sources/list.ts'
import type { ClientSecrets } from '../clients/secret.ts'
import type { CheckUrl } from '../clients/validation.ts'
import type { MasterKeys } from '../keys/master-keys.ts'
import { findAuthServer } from '../store/auth-servers.ts'
import type { Database } from '../store/database.ts'
import type { Admin } from './authorize.ts'
import { Problem } from './problem.ts'

export interface AdminDeps {
  db: Database
  masterKeys: MasterKeys
  secrets: ClientSecrets
  checkUrl: CheckUrl
  publicOrigin: string
  /** What attribute sources are compiled with. */
  claimSources: SourceDeps
  /** ms since the epoch */
  now: () => number
}

/**
 * The tenant of the rows below an auth server, once it is certain that the admin's subtree holds that auth server.
 * @throws Problem `not_found`
 */
export async function authServerTenant(
  db: Database,
  { organization }: Admin,
  authServer: string,
): Promise<{ authServer: string }> {
  const row = await db.read({ organization }, (tx) => findAuthServer(tx, authServer))
  if (!row) throw new Problem('not_found', 'there is no such auth server')
  return { authServer }
}
