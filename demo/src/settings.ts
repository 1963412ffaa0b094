/** Ports and folders of the demo, from the environment. Port 0 picks a free one. */
import { resolve } from 'node:path'
import { freePort } from '@postern/tools/servers/process'

export type DemoPorts = Record<
  'identityServer' | 'identityServerOperations' | 'sidecar' | 'sidecarAdmin' | 'sidecarGrpc' | 'gateway' | 'upstream',
  number
>

export interface DemoSettings {
  dataDir: string
  ports: DemoPorts
}

/** The variable that sets each port. */
export const portVariables = {
  identityServer: 'POSTERN_PORT',
  identityServerOperations: 'POSTERN_OPERATIONS_PORT',
  sidecar: 'SIDECAR_PORT',
  sidecarAdmin: 'SIDECAR_ADMIN_PORT',
  sidecarGrpc: 'SIDECAR_GRPC_PORT',
  gateway: 'GATEWAY_PORT',
  upstream: 'UPSTREAM_PORT',
} as const satisfies Record<keyof DemoPorts, string>

/** Variables that have each port be a free one: for a system beside others on the same machine. */
export const freePorts: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(portVariables).map((name) => [name, '0']),
)

/** @throws Error naming the variable that is wrong */
export async function demoSettings(variables: Readonly<Record<string, string | undefined>>): Promise<DemoSettings> {
  const port = async (name: string, usual: number) => {
    const text = variables[name] || String(usual)
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new Error(`${name} is not a port`)
    return Number(text) || freePort()
  }
  return {
    dataDir: resolve(variables.POSTERN_DATA_DIR || '.postern'),
    ports: {
      identityServer: await port(portVariables.identityServer, 4000),
      identityServerOperations: await port(portVariables.identityServerOperations, 4001),
      sidecar: await port(portVariables.sidecar, 4100),
      sidecarAdmin: await port(portVariables.sidecarAdmin, 4101),
      sidecarGrpc: await port(portVariables.sidecarGrpc, 4102),
      gateway: await port(portVariables.gateway, 8000),
      upstream: await port(portVariables.upstream, 4200),
    },
  }
}
