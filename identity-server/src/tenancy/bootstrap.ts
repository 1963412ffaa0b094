/** The first start: the root organization, the system auth server, and the first client that may use the admin API. */
import { randomUUID } from 'node:crypto'
import { generateClientSecret } from '../clients/secret.ts'
import { defaultSigningAlgorithm } from '../keys/algorithms.ts'
import type { MasterKeys } from '../keys/master-keys.ts'
import { createSigningKey } from '../keys/signing-keys.ts'
import { findAuthServer, insertAuthServer, updateAuthServer } from '../store/auth-servers.ts'
import { insertClientSecret } from '../store/client-secrets.ts'
import { insertClient, listClients } from '../store/clients.ts'
import type { Database, Tx } from '../store/database.ts'
import { lock } from '../store/lock.ts'
import { findOrganization, insertOrganization } from '../store/organizations.ts'
import { insertScope } from '../store/scopes.ts'
import { adminAudience, adminScopes, rootOrganization, systemAuthServer } from './system.ts'

export interface FirstClient {
  id: string
  /** Undefined: one is made up. */
  secret: string | undefined
}

/**
 * Makes what is missing, in one transaction; several replicas may start at once.
 * @param keep given the first client's secret where one was made up, before the client is committed: a secret that
 *   could not be kept must not be lost in the database
 * @param now ms since the epoch
 */
export async function bootstrap(
  db: Database,
  masterKeys: MasterKeys,
  publicOrigin: string,
  firstClient: FirstClient,
  keep: (clientId: string, secret: string) => Promise<void>,
  now: number,
): Promise<void> {
  await db.write({ organization: rootOrganization, authServer: systemAuthServer }, async (tx) => {
    await lock(tx, 'bootstrap')
    if (!(await findOrganization(tx, rootOrganization))) {
      const root = { id: rootOrganization, parent_id: null, ancestors: [rootOrganization], name: 'Root' }
      await insertOrganization(tx, root)
    }
    await ensureSystemAuthServer(tx, masterKeys, adminAudience(publicOrigin), now)
    const clients = await listClients(tx, systemAuthServer, { after: undefined, limit: 1 })
    if (clients.length > 0) return
    const secret = firstClient.secret ?? generateClientSecret()
    await insertFirstClient(tx, masterKeys, firstClient.id, secret)
    if (firstClient.secret === undefined) await keep(firstClient.id, secret)
  })
}

async function ensureSystemAuthServer(tx: Tx, masterKeys: MasterKeys, audience: string, now: number): Promise<void> {
  const present = await findAuthServer(tx, systemAuthServer)
  if (present) {
    // The public origin is the operator's to change; the audience follows it.
    if (present.audience !== audience) await updateAuthServer(tx, systemAuthServer, { audience })
    return
  }
  const { signing_algorithm } = await insertAuthServer(tx, {
    id: systemAuthServer,
    organization_id: rootOrganization,
    name: 'System',
    description: 'Issues the tokens that open the admin API',
    audience,
    access_token_lifetime: 300,
    signing_algorithm: defaultSigningAlgorithm,
  })
  await createSigningKey(tx, systemAuthServer, masterKeys, signing_algorithm, { state: 'active', activatesAt: now })
  for (const name of Object.values(adminScopes)) {
    const scope = { name, description: 'Use of the admin API', is_default: true, include_in_metadata: true }
    await insertScope(tx, systemAuthServer, scope)
  }
}

async function insertFirstClient(tx: Tx, masterKeys: MasterKeys, id: string, secret: string): Promise<void> {
  const client = {
    id,
    name: 'First administrator',
    enabled: true,
    grant_types: ['client_credentials'],
    token_endpoint_auth_methods: ['client_secret_basic', 'client_secret_post'],
    audience: null,
    access_token_lifetime: null,
    may_introspect: false,
  }
  await insertClient(tx, systemAuthServer, client, Object.values(adminScopes))
  const { keyId, hash } = masterKeys.hash(secret)
  const row = { id: randomUUID(), client_id: id, name: 'first', hash, hash_key: keyId, expires_at: null }
  await insertClientSecret(tx, systemAuthServer, row)
}
