/** The real sidecar as a process of its own, with the policies of the cases. */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answers, freePort, startProcess, temporaryFolder } from '@postern/tools/servers/process'
import { stringify } from 'yaml'
import { audience, requiredScope } from './issuer.ts'

/** The identity headers of the policies, and the claims they are made of. No token carries `tenant` by default. */
export const identityHeaders = {
  'x-postern-client-id': 'client_id',
  'x-postern-subject': 'sub',
  'x-postern-scope': 'scope',
  'x-postern-tenant': 'tenant',
} as const

/** By prefix of the path: the policy that a gateway asks about there. The longest prefix wins. */
export const routes = [
  { prefix: '/', policy: 'orders' },
  { prefix: '/no-upstream-token/', policy: 'no-upstream-token' },
  { prefix: '/unknown-policy/', policy: 'nobody-knows-this-one' },
] as const

export interface RunningSidecar {
  readonly port: number
  readonly socketPath: string
  /** The same over gRPC. */
  readonly grpc: { port: number; socketPath: string }
  stop(): Promise<void>
}

/** @param issuerUrl of the trusted issuer, which is the upstream's token endpoint as well */
export async function startSidecar(issuerUrl: string): Promise<RunningSidecar> {
  const folder = await temporaryFolder('sidecar')
  const [port, adminPort, grpcPort] = [await freePort(), await freePort(), await freePort()]
  const socketPath = join(folder.path, 'sidecar.sock')
  const grpc = { port: grpcPort, socketPath: join(folder.path, 'grpc.sock') }
  const listen = {
    tcp: `127.0.0.1:${port}`,
    unix: socketPath,
    grpc: `127.0.0.1:${grpc.port}`,
    grpc_unix: grpc.socketPath,
  }
  const file = join(folder.path, 'sidecar.yaml')
  // A gateway may run as another user.
  await chmod(folder.path, 0o755)
  await writeFile(file, stringify(configuration(issuerUrl, listen, adminPort)))
  try {
    const main = fileURLToPath(new URL('../../../sidecar/src/main.ts', import.meta.url))
    const running = await startProcess(process.execPath, [main, file], {
      ready: answers(`http://127.0.0.1:${adminPort}/readyz`),
    })
    return { port, socketPath, grpc, stop: () => running.stop().finally(folder.remove) }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

function configuration(issuerUrl: string, listen: object, adminPort: number): object {
  const credentials = { client_id: 'sidecar', client_secret: { value: 'secret of the sidecar' } }
  const policy = {
    issuers: ['test'],
    required_scopes: [requiredScope],
    headers: identityHeaders,
    gateway_claims: ['sub', 'client_id', 'scope', 'tenant'],
  }
  return {
    listen,
    admin: { tcp: `127.0.0.1:${adminPort}` },
    issuers: { test: { issuer: issuerUrl, audience: [audience], jwks_uri: `${issuerUrl}/jwks` } },
    upstreams: {
      orders: { token_endpoint: `${issuerUrl}/token`, ...credentials },
      broken: { token_endpoint: `${issuerUrl}/broken`, ...credentials },
    },
    policies: {
      orders: { ...policy, upstream: 'orders' },
      'no-upstream-token': { ...policy, upstream: 'broken' },
    },
    log: { level: 'error' },
  }
}
