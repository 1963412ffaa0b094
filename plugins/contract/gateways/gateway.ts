/** What the suite needs of a gateway. To add one: a file beside these and a line in list.ts. */

export interface GatewayInput {
  /** Where the gateway takes the sidecar to be. */
  sidecar: { url: string } | { socketPath: string }
  /** Scheme, host and port. */
  upstreamUrl: string
  /** Which policy to ask about below which prefix; the longest prefix wins. */
  routes: readonly { prefix: string; policy: string }[]
  /** Names of the identity headers of the policies. */
  identityHeaders: readonly string[]
}

export interface RunningGateway {
  readonly url: string
  stop(): Promise<void>
}

export interface Gateway {
  readonly name: string
  /** How it asks the sidecar. */
  readonly asks: 'http' | 'grpc'
  /** Why it cannot run here, or undefined where it can. */
  unavailable(): Promise<string | undefined>
  start(input: GatewayInput): Promise<RunningGateway>
  /** Which requests the gateway asked about, from the bytes that it sent to the sidecar. */
  asked(received: string): { method: string; uri: string }[]
}
