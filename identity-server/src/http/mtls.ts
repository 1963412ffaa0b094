/**
 * TLS that asks for client certificates, ended here (RFC 8705): another port for the same endpoints. Certificates of any
 * authority, or of none, are let in: whether they count is for client authentication to say.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { cutConnections } from './closing.ts'
import { connectionLimits } from './connection-limits.ts'

/** Paths of PEM files. */
export interface TlsFiles {
  certificate: string
  key: string
  /** Authorities of client certificates; undefined: none is accepted, and only self-signed ones are of use. */
  clientCa: string | undefined
}

export interface MtlsOptions {
  host: string
  port: number
  files: TlsFiles
  closing: AbortSignal
  logger: FastifyBaseLogger
  /** ms between two looks at the files. */
  reloadEveryMs?: number
}

export interface MtlsListener {
  close(): Promise<void>
}

/** @throws Error where a file or the port cannot be used */
export async function listenMtls(app: FastifyInstance, options: MtlsOptions): Promise<MtlsListener> {
  const { host, port, files, closing, logger, reloadEveryMs = 10_000 } = options
  await app.ready()
  let context = await readContext(files)
  const server = createServer(
    { ...context, ...connectionLimits, requestCert: true, rejectUnauthorized: false },
    app.routing,
  )
  server.setTimeout(connectionLimits.connectionTimeout)
  cutConnections(server, closing)
  await listen(server, host, port)

  const reload = async () => {
    try {
      const found = await readContext(files)
      if (isSame(context, found)) return
      server.setSecureContext(found)
      context = found
      logger.info('the certificates of the TLS port were read anew')
    } catch (error) {
      // What it has still serves, and it is looked at again.
      logger.error({ err: error }, 'the certificates of the TLS port cannot be read anew')
    }
  }
  const timer = setInterval(reload, reloadEveryMs).unref()
  return {
    close() {
      clearInterval(timer)
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

type Context = Required<Pick<SecureContextOptions, 'cert' | 'key' | 'ca' | 'minVersion'>>

async function readContext({ certificate, key, clientCa }: TlsFiles): Promise<Context> {
  return {
    cert: await readFile(certificate),
    key: await readFile(key),
    // Left out, it would be the authorities of the web, whom anybody gets a certificate from.
    ca: clientCa === undefined ? [] : [await readFile(clientCa)],
    minVersion: 'TLSv1.2',
  }
}

function isSame(a: Context, b: Context): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}
