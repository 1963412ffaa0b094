/** What would make a start fail half-way, or disturb a demo that runs already: found out before anything is touched. */
import { readFile } from 'node:fs/promises'
import { answers, isFreePort } from '@postern/tools/servers/process'
import { parseEnvFile } from './env-file.ts'
import { type DemoPorts, portVariables } from './settings.ts'

/** @throws Error where the demo of this env file still answers */
export async function refuseSecondStart(envFile: string): Promise<void> {
  const { GATEWAY_URL } = parseEnvFile(await readFile(envFile, 'utf8').catch(() => ''))
  if (GATEWAY_URL && (await answers(`${GATEWAY_URL}/healthz`)())) {
    throw new Error(`the demo runs already, at ${GATEWAY_URL}; its variables are in ${envFile}`)
  }
}

/** @throws Error naming each port that is in use, and the variable that chooses another */
export async function refusePortsInUse(ports: DemoPorts): Promise<void> {
  const problems: string[] = []
  for (const [name, port] of Object.entries(ports)) {
    const variable = Object.entries(portVariables).find(([key]) => key === name)?.[1]
    if (!(await isFreePort(port))) problems.push(`port ${port} is in use; ${variable}=0 picks a free one`)
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
}
