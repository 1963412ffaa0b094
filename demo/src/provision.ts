/** From a running identity server to a demo that can be tried: the tenant, the sidecar's configuration, `demo.env`. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAdminClient } from '@postern/sdk/admin'
import { toEnvFile } from './env-file.ts'
import { demo, seed } from './seed.ts'
import type { DemoPorts } from './settings.ts'
import { demoPolicy, sidecarConfig } from './sidecar-config.ts'

export interface Provision {
  /** Folder of `demo.env`, the sidecar's configuration and the secrets. */
  dataDir: string
  ports: DemoPorts
  admin: { id: string; secret: string }
}

export interface Provisioned {
  issuer: string
  /** The sidecar's configuration file. */
  configFile: string
  /** Writes `demo.env`, whose presence says that everything is ready, and answers what it holds. */
  publish(): Promise<{ envFile: string; variables: Readonly<Record<string, string>> }>
}

/** @throws AdminError */
export async function provision({ dataDir, ports, admin }: Provision): Promise<Provisioned> {
  const secretsFolder = join(dataDir, 'secrets')
  const envFile = join(dataDir, 'demo.env')
  const configFile = join(dataDir, 'sidecar.yaml')
  await mkdir(secretsFolder, { recursive: true, mode: 0o700 })
  await rm(envFile, { force: true })

  const local = (port: number) => `http://127.0.0.1:${port}`
  const origin = local(ports.identityServer)
  const issuer = `${origin}/${demo.authServer}`
  const endpoints = {
    POSTERN_ISSUER: issuer,
    POSTERN_TOKEN_ENDPOINT: `${issuer}/token`,
    POSTERN_ADMIN_URL: `${origin}/admin/v1`,
    POSTERN_ADMIN_TOKEN_ENDPOINT: `${origin}/system/token`,
  }
  const client = createAdminClient({
    adminUrl: endpoints.POSTERN_ADMIN_URL,
    tokenEndpoint: endpoints.POSTERN_ADMIN_TOKEN_ENDPOINT,
    clientId: admin.id,
    clientSecret: admin.secret,
  })
  const secrets = await seed(client, endpoints.POSTERN_TOKEN_ENDPOINT, secretsFolder)
  const sidecar = {
    issuer,
    port: ports.sidecar,
    adminPort: ports.sidecarAdmin,
    grpcPort: ports.sidecarGrpc,
    secretsFolder,
  }
  await writeFile(configFile, sidecarConfig(sidecar))

  const variables = {
    ...endpoints,
    POSTERN_ADMIN_CLIENT_ID: admin.id,
    POSTERN_ADMIN_CLIENT_SECRET: admin.secret,
    DEMO_CLIENT_ID: demo.client,
    DEMO_CLIENT_SECRET: secrets.client,
    DEMO_SCOPE: demo.scope,
    DEMO_POLICY: demoPolicy,
    SIDECAR_URL: local(ports.sidecar),
    SIDECAR_ADMIN_URL: local(ports.sidecarAdmin),
    GATEWAY_URL: local(ports.gateway),
    UPSTREAM_URL: local(ports.upstream),
  }
  return {
    issuer,
    configFile,
    async publish() {
      await writeFile(envFile, toEnvFile(variables), { mode: 0o600 })
      return { envFile, variables }
    },
  }
}
