/** The demo tenant, made through the admin API as an operator would make it. Run again, it leaves what is there. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AdminClient, AdminError, type Collection } from '@postern/sdk/admin'

export const demo = {
  authServer: 'demo',
  audience: 'demo-api',
  scope: 'demo:read',
  client: 'demo-client',
  /** The sidecar's own client: it introspects, reads the revocation feed and gets the tokens for the upstream. */
  sidecarClient: 'demo-sidecar',
  upstreamAudience: 'demo-upstream',
  upstreamScope: 'upstream:read',
} as const

export interface DemoSecrets {
  client: string
  sidecarClient: string
}

/**
 * @param secretsFolder where the secrets are kept, a file for each client
 * @throws AdminError
 */
export async function seed(admin: AdminClient, tokenEndpoint: string, secretsFolder: string): Promise<DemoSecrets> {
  const { authServer } = demo
  const organizations = await admin.organizations.list()
  const organization =
    organizations.find(({ name }) => name === 'Demo') ?? (await admin.organizations.create({ name: 'Demo' }))
  await ensure(admin.authServers, {
    id: authServer,
    organization_id: organization.id,
    name: 'Demo',
    audience: demo.audience,
  })
  const scopes = admin.scopes(authServer)
  await ensure(scopes, { name: demo.scope, description: 'Read the demo', is_default: true, include_in_metadata: true })
  await ensure(scopes, { name: demo.upstreamScope, description: 'Call the demo upstream', is_default: true })

  const clients = admin.clients(authServer)
  await ensure(clients, { id: demo.client, name: 'Demo client', scopes: [demo.scope] })
  await ensure(clients, {
    id: demo.sidecarClient,
    name: 'Demo sidecar',
    scopes: [demo.upstreamScope],
    audience: demo.upstreamAudience,
    may_introspect: true,
  })
  const secret = (client: string) => ensureSecret(admin, client, tokenEndpoint, secretsFolder)
  return { client: await secret(demo.client), sidecarClient: await secret(demo.sidecarClient) }
}

async function ensure<View>(collection: Collection<View>, body: object): Promise<void> {
  try {
    await collection.create(body)
  } catch (error) {
    if (!(error instanceof AdminError) || error.code !== 'conflict') throw error
  }
}

/** A kept secret that still works, or a new one in its place. */
async function ensureSecret(
  admin: AdminClient,
  client: string,
  tokenEndpoint: string,
  folder: string,
): Promise<string> {
  const path = join(folder, client)
  const kept = await readFile(path, 'utf8').catch(() => undefined)
  if (kept !== undefined && (await works(tokenEndpoint, client, kept))) return kept
  const secrets = admin.clientSecrets(demo.authServer, client)
  // Secrets that nobody knows any more would only use up the places.
  for (const { id } of await secrets.list()) await secrets.remove(id)
  const { secret } = await secrets.create({ name: 'demo' })
  await writeFile(path, secret, { mode: 0o600 })
  return secret
}

async function works(tokenEndpoint: string, clientId: string, clientSecret: string): Promise<boolean> {
  const response = await fetch(tokenEndpoint, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }),
    signal: AbortSignal.timeout(10_000),
  })
  await response.body?.cancel()
  return response.ok
}
