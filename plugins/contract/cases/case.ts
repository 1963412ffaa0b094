/** One case of the contract: what a client sends, how the sidecar is, and what must come of it. */
import type { FrontMode } from '../harness/front.ts'
import type { TestIssuer } from '../harness/issuer.ts'
import type { Answer, Outgoing } from '../harness/send.ts'
import type { SeenRequest } from '../harness/upstream.ts'

export interface Outcome {
  answer: Answer
  /** What reached the upstream. */
  seen: readonly SeenRequest[]
  /** What the gateway asked the sidecar about. */
  asked: readonly { method: string; uri: string }[]
  /** The bytes that the sidecar was sent. */
  received: string
  /** The caller's token, where the case sent one through `bearer`. */
  issuer: TestIssuer
}

export interface Case {
  readonly name: string
  /** How the sidecar is. Default: as it should be. */
  readonly sidecar?: FrontMode
  request(issuer: TestIssuer): Promise<Outgoing> | Outgoing
  /** Throws where the gateway breaks the contract. */
  verify(outcome: Outcome): void
}
