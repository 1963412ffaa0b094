/** Everything around the gateway under test: issuer, sidecar, the front on the wire between them, upstream. */
import type { Case, Outcome } from '../cases/case.ts'
import type { Gateway, RunningGateway } from '../gateways/gateway.ts'
import { type Front, startFront } from './front.ts'
import { startIssuer, type TestIssuer } from './issuer.ts'
import { send } from './send.ts'
import { identityHeaders, type RunningSidecar, routes, startSidecar } from './sidecar.ts'
import { startUpstream, type TestUpstream } from './upstream.ts'

export interface Stage {
  readonly issuer: TestIssuer
  readonly sidecar: RunningSidecar
  /** On the wire between the gateway and the sidecar, by the way the gateway asks. */
  readonly fronts: Readonly<Record<Gateway['asks'], Front>>
  readonly upstream: TestUpstream
  close(): Promise<void>
}

export async function startStage(): Promise<Stage> {
  const issuer = await startIssuer()
  const upstream = await startUpstream()
  const sidecar = await startSidecar(issuer.url)
  const fronts = { http: await startFront(sidecar.port), grpc: await startFront(sidecar.grpc.port) }
  return {
    issuer,
    upstream,
    sidecar,
    fronts,
    async close() {
      await Promise.all([fronts.http.close(), fronts.grpc.close()])
      await sidecar.stop()
      await upstream.close()
      await issuer.close()
    },
  }
}

/** @param sidecar default: the front, where cases can break it */
export function startGateway(
  gateway: Gateway,
  { fronts, upstream }: Stage,
  sidecar: { url: string } | { socketPath: string } = { url: fronts[gateway.asks].url },
): Promise<RunningGateway> {
  return gateway.start({ sidecar, upstreamUrl: upstream.url, routes, identityHeaders: Object.keys(identityHeaders) })
}

export async function play(stage: Stage, gateway: Gateway, url: string, played: Case): Promise<Outcome> {
  const { issuer, fronts, upstream } = stage
  const front = fronts[gateway.asks]
  await front.become(played.sidecar ?? 'sidecar')
  upstream.seen.length = 0
  const answer = await send(url, await played.request(issuer))
  const received = front.received()
  return { answer, seen: [...upstream.seen], asked: gateway.asked(received), received, issuer }
}
