/** Ports and folders of the demo, from the environment. Port 0 picks a free one. */
import { resolve } from 'node:path'
import { freePort } from '@postern/tools/servers/process'

export type DemoPorts = Record<
  'identityServer' | 'identityServerOperations' | 'sidecar' | 'sidecarAdmin' | 'gateway' | 'upstream',
  number
>

export interface DemoSettings {
  dataDir: string
  ports: DemoPorts
}

const ports = {
  identityServer: ['POSTERN_PORT', 4000],
  identityServerOperations: ['POSTERN_OPERATIONS_PORT', 4001],
  sidecar: ['SIDECAR_PORT', 4100],
  sidecarAdmin: ['SIDECAR_ADMIN_PORT', 4101],
  gateway: ['GATEWAY_PORT', 8000],
  upstream: ['UPSTREAM_PORT', 4200],
} as const

/** @throws Error naming the variable that is wrong */
export async function demoSettings(variables: Readonly<Record<string, string | undefined>>): Promise<DemoSettings> {
  const port = async ([name, usual]: readonly [string, number]) => {
    const text = variables[name] || String(usual)
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new Error(`${name} is not a port`)
    return Number(text) || freePort()
  }
  return {
    dataDir: resolve(variables.POSTERN_DATA_DIR || '.postern'),
    ports: {
      identityServer: await port(ports.identityServer),
      identityServerOperations: await port(ports.identityServerOperations),
      sidecar: await port(ports.sidecar),
      sidecarAdmin: await port(ports.sidecarAdmin),
      gateway: await port(ports.gateway),
      upstream: await port(ports.upstream),
    },
  }
}
