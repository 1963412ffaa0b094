/** The sidecar's configuration for the demo: worth reading as a first example of one. */
import { join } from 'node:path'
import { stringify } from 'yaml'
import { demo } from './seed.ts'

export interface SidecarConfigInput {
  issuer: string
  port: number
  adminPort: number
  grpcPort: number
  secretsFolder: string
}

export const demoPolicy = 'demo'

export function sidecarConfig({ issuer, port, adminPort, grpcPort, secretsFolder }: SidecarConfigInput): string {
  const credentials = {
    client_id: demo.sidecarClient,
    client_secret: { file: join(secretsFolder, demo.sidecarClient) },
  }
  const config = {
    listen: { tcp: `127.0.0.1:${port}`, grpc: `127.0.0.1:${grpcPort}` },
    admin: { tcp: `127.0.0.1:${adminPort}` },
    issuers: {
      demo: {
        issuer,
        audience: [demo.audience],
        introspection: credentials,
        revocation_feed: credentials,
      },
    },
    upstreams: {
      echo: { token_endpoint: `${issuer}/token`, ...credentials, scope: demo.upstreamScope },
    },
    policies: {
      [demoPolicy]: {
        issuers: ['demo'],
        required_scopes: [demo.scope],
        headers: {
          'x-postern-client-id': 'client_id',
          'x-postern-subject': 'sub',
          'x-postern-scope': 'scope',
        },
        upstream: 'echo',
      },
    },
  }
  return `# Written by npm start. docs/sidecar.md explains each member.\n${stringify(config, { aliasDuplicateObjects: false })}`
}
