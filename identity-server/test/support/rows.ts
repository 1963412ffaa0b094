/** Rows below which tests of the store put their own. */
import { insertAuthServer } from '../../src/store/auth-servers.ts'
import type { Database } from '../../src/store/database.ts'
import { findOrganization, insertOrganization } from '../../src/store/organizations.ts'

/** An auth server, below an organization that is made where it is missing. */
export async function insertAuthServerBelow(db: Database, organization: string, id: string): Promise<void> {
  await db.write({ organization, authServer: id }, async (tx) => {
    if (!(await findOrganization(tx, organization))) {
      await insertOrganization(tx, { id: organization, parent_id: null, ancestors: [organization], name: organization })
    }
    await insertAuthServer(tx, {
      id,
      organization_id: organization,
      name: id,
      description: '',
      audience: id,
      access_token_lifetime: 60,
      signing_algorithm: 'ES256',
    })
  })
}
