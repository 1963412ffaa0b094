/** Starts the parts in the order in which they need each other, and seeds the demo tenant in between. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { refusePortsInUse, refuseSecondStart } from './conflicts.ts'
import { parseEnvFile } from './env-file.ts'
import { createProcesses } from './processes.ts'
import { provision } from './provision.ts'
import { demo } from './seed.ts'
import type { DemoSettings } from './settings.ts'
import { demoPolicy } from './sidecar-config.ts'

export interface RunningSystem {
  /** The variables of `demo.env`. */
  variables: Readonly<Record<string, string>>
  envFile: string
  logFolder: string
  /** Process ids by the service's name. */
  pids: ReadonlyMap<string, number>
  stop(): Promise<void>
}

export interface SystemEvents {
  report(line: string): void
  /** Given the function that stops what has been started so far, before anything is. */
  starting(stop: () => Promise<void>): void
  ended(name: string, log: string): void
}

/** @throws Error where a part does not get ready; what had started is then stopped */
export async function startSystem(settings: DemoSettings, events: SystemEvents): Promise<RunningSystem> {
  const { dataDir, ports } = settings
  const logFolder = join(dataDir, 'logs')
  const envFile = join(dataDir, 'demo.env')
  await refuseSecondStart(envFile)
  await refusePortsInUse(ports)
  // What is left of the last start would say that everything is ready.
  await rm(envFile, { force: true })

  const processes = createProcesses(logFolder, events.ended)
  events.starting(processes.stop)
  const local = (port: number) => `http://127.0.0.1:${port}`
  const start = async (what: string, address: string, spec: Parameters<typeof processes.start>[0]) => {
    const begun = performance.now()
    await processes.start(spec)
    events.report(`${what.padEnd(16)} ${address}  (${((performance.now() - begun) / 1000).toFixed(1)} s)`)
  }

  try {
    const origin = local(ports.identityServer)
    await start('identity server', origin, {
      name: 'identity-server',
      file: 'identity-server/src/main.ts',
      environment: {
        POSTERN_DATA_DIR: dataDir,
        POSTERN_PORT: String(ports.identityServer),
        POSTERN_OPERATIONS_PORT: String(ports.identityServerOperations),
        POSTERN_PUBLIC_ORIGIN: origin,
      },
      readyUrl: `${local(ports.identityServerOperations)}/readyz`,
    })

    const admin = await adminCredentials(dataDir)
    const provisioned = await provision({ dataDir, ports, admin })
    await start('sidecar', local(ports.sidecar), {
      name: 'sidecar',
      file: 'sidecar/src/main.ts',
      args: [provisioned.configFile],
      environment: {},
      readyUrl: `${local(ports.sidecarAdmin)}/readyz`,
    })
    await start('upstream', local(ports.upstream), {
      name: 'upstream',
      file: 'demo/src/upstream/main.ts',
      environment: {
        UPSTREAM_PORT: String(ports.upstream),
        POSTERN_ISSUER: provisioned.issuer,
        UPSTREAM_AUDIENCE: demo.upstreamAudience,
      },
      readyUrl: `${local(ports.upstream)}/healthz`,
    })
    await start('gateway', local(ports.gateway), {
      name: 'gateway',
      file: 'demo/src/gateway/main.ts',
      environment: {
        GATEWAY_PORT: String(ports.gateway),
        SIDECAR_URL: local(ports.sidecar),
        UPSTREAM_URL: local(ports.upstream),
        DEMO_POLICY: demoPolicy,
      },
      readyUrl: `${local(ports.gateway)}/healthz`,
    })

    return { ...(await provisioned.publish()), logFolder, pids: processes.pids, stop: processes.stop }
  } catch (error) {
    await processes.stop()
    throw error
  }
}

/** The first admin client: the operator's, or the one that the identity server made up and kept. */
async function adminCredentials(dataDir: string): Promise<{ id: string; secret: string }> {
  const kept = parseEnvFile(await readFile(join(dataDir, 'admin-client.env'), 'utf8'))
  const { POSTERN_ADMIN_CLIENT_ID: id, POSTERN_ADMIN_CLIENT_SECRET: secret } = kept
  if (!id || !secret) throw new Error('admin-client.env names no client')
  return { id, secret }
}
