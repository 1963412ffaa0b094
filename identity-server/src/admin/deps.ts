/** What the resources work with, beside their access to the database (access.ts). */
import type { SourceDeps } from '../claims/sources/list.ts'
import type { ClientSecrets } from '../clients/secret.ts'
import type { CheckUrl } from '../clients/validation.ts'
import type { MasterKeys } from '../keys/master-keys.ts'

export interface AdminDeps {
  masterKeys: MasterKeys
  secrets: ClientSecrets
  checkUrl: CheckUrl
  publicOrigin: string
  /** What attribute sources are compiled with. */
  claimSources: SourceDeps
  /** From the root to the organization, also what the admin may not see: claims see it. @throws StoreError */
  organizationPath(organization: string): Promise<{ id: string; name: string }[]>
  /** ms since the epoch */
  now: () => number
}
