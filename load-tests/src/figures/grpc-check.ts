import { Client, credentials } from '@grpc/grpc-js'
import { freePort } from '@postern/tools/servers/process'
import { cpuSeconds } from '../measure.ts'
import { checkRequest } from '../sidecars/check-request.ts'
import { type Pair, policy, withKnownSidecar } from '../sidecars/known.ts'
import type { Figure } from './figure.ts'

const checks = 10_000
const atOnce = 32

/** The sidecar's processor time for a decision about a known token that Envoy asks for over gRPC. */
export const grpcCheck: Figure = {
  name: 'grpc-check',
  unit: 'µs',
  async measure() {
    const grpc = `127.0.0.1:${await freePort()}`
    return withKnownSidecar((pair) => timeOfChecks(pair, grpc), { grpc })
  },
}

async function timeOfChecks({ issuer, sidecar }: Pair, address: string): Promise<number> {
  const client = new Client(address, credentials.createInsecure())
  const request = checkRequest(policy, `Bearer ${issuer.mint()}`)
  const ask = () =>
    new Promise<void>((resolve, reject) =>
      client.makeUnaryRequest(
        '/envoy.service.auth.v3.Authorization/Check',
        (message: Buffer) => message,
        (answer: Buffer) => answer,
        request,
        (error, answer) =>
          answer?.includes('x-subject') ? resolve() : reject(error ?? new Error('a check was not let through')),
      ),
    )
  const askMany = async (count: number) => {
    for (let index = 0; index < count; index++) await ask()
  }
  try {
    await askMany(500)
    const begun = cpuSeconds(sidecar.pid) ?? Number.NaN
    await Promise.all(Array.from({ length: atOnce }, () => askMany(Math.ceil(checks / atOnce))))
    return (((cpuSeconds(sidecar.pid) ?? Number.NaN) - begun) * 1e6) / (Math.ceil(checks / atOnce) * atOnce)
  } finally {
    client.close()
  }
}
