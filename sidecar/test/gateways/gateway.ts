/** A gateway that ends TLS and tells the sidecar of the client's certificate. To add one: a file here and a line in list.ts. */

export interface GatewayInput {
  /** Its policy at the sidecar. */
  policy: string
  /** Where the sidecar listens: host and port. */
  sidecar: { http: string; grpc: string }
  /** Host and port. */
  upstream: string
  /** Paths: the gateway's own certificate, both in one file as well, and the authority of the clients'. */
  files: { cert: string; key: string; both: string; clientsCa: string }
}

export interface RunningGateway {
  readonly url: string
  stop(): Promise<void>
}

export interface Gateway {
  readonly name: string
  /** `client_certificate` of its policy. */
  readonly from: string
  /** Its version, or undefined where it is not installed. */
  version(): Promise<string | undefined>
  start(input: GatewayInput): Promise<RunningGateway>
}
