/** What all gateways share: certificates, a sidecar with a policy for each gateway, and an upstream that tells its headers. */
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type CertificateAuthority, createCertificateAuthority } from '@postern/tools/certificates'
import { temporaryFolder } from '@postern/tools/servers/process'
import { startBench, type TestBench } from '../support/sidecar.ts'
import type { Gateway, GatewayInput } from './gateway.ts'

export interface Stage {
  readonly bench: TestBench
  /** Of the clients and of the gateways. */
  readonly ca: CertificateAuthority
  /** @param index of the gateway in the list */
  input(index: number): GatewayInput
  close(): Promise<void>
}

export async function startStage(gateways: readonly Gateway[]): Promise<Stage> {
  const ca = await createCertificateAuthority()
  const folder = await temporaryFolder('gateways')
  const write = async (name: string, content: string) => {
    await writeFile(join(folder.path, name), content)
    return join(folder.path, name)
  }
  const { cert, key } = await ca.issue({ subject: '/CN=gateway', subjectAltName: 'DNS:localhost,URI:spiffe://gateway' })
  const files = {
    cert: await write('server.crt', cert),
    key: await write('server.key', key),
    both: await write('server.pem', cert + key),
    clientsCa: await write('clients-ca.crt', ca.cert),
  }
  const more = gateways
    .map(({ from }, index) => `  ${policyOf(index)}: { ${settings}, client_certificate: { from: ${from} } }`)
    .join('\n')
  const bench = await startBench({ listen: 'grpc: 127.0.0.1:0', more })
  const upstream = createServer((request, response) => response.end(JSON.stringify(request.headers)))
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  return {
    bench,
    ca,
    input: (index) => ({
      policy: policyOf(index),
      sidecar: { http: hostOf(bench.sidecar.address), grpc: hostOf(bench.sidecar.grpcAddress) },
      upstream: `127.0.0.1:${(upstream.address() as AddressInfo).port}`,
      files,
    }),
    async close() {
      upstream.close()
      await bench.close()
      await folder.remove()
      await ca.remove()
    },
  }
}

const settings = 'issuers: [test], headers: { x-postern-subject: sub }'

function policyOf(index: number): string {
  return `at${index}`
}

function hostOf(address = ''): string {
  return address.replace('http://', '')
}
