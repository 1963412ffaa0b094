/** Where the server listens: for clients, for clients with certificates, and for operators. */
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Environment } from '../config.ts'
import { listenMtls, type MtlsListener } from '../http/mtls.ts'

export interface Listening {
  /** Scheme, host and port. */
  address: string
  operationsAddress: string
  /** Finishes the requests that are under way. */
  close(): Promise<void>
}

export interface ListenOptions {
  app: FastifyInstance
  operations: { listen(at: { host: string; port: number }): Promise<string>; close(): unknown }
  environment: Environment
  closing: AbortSignal
  logger: Logger
}

/** @throws Error where a port cannot be used */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { app, operations, environment } = options
  const mtls = await openMtls(options)
  const address = await app.listen({ host: environment.POSTERN_HOST, port: environment.POSTERN_PORT })
  const operationsAddress = await operations.listen({
    host: environment.POSTERN_OPERATIONS_HOST,
    port: environment.POSTERN_OPERATIONS_PORT,
  })
  return {
    address,
    operationsAddress,
    close: async () => void (await Promise.all([app.close(), mtls?.close(), operations.close()])),
  }
}

async function openMtls({ app, environment, closing, logger }: ListenOptions): Promise<MtlsListener | undefined> {
  const { POSTERN_HOST: host, POSTERN_MTLS_PORT: port, POSTERN_MTLS_CLIENT_CA_FILE: clientCa } = environment
  const { POSTERN_TLS_CERT_FILE: certificate, POSTERN_TLS_KEY_FILE: key } = environment
  if (port === undefined || certificate === undefined || key === undefined) return undefined
  return listenMtls(app, { host, port, files: { certificate, key, clientCa }, closing, logger })
}
