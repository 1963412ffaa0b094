/** The identity server as a process: environment in, exit code out. */
import { pino } from 'pino'
import { startIdentityServer } from './compose.ts'
import { parseEnvironment } from './config.ts'

async function main(): Promise<void> {
  const environment = parseEnvironment(process.env)
  const logger = pino({ level: environment.POSTERN_LOG_LEVEL, name: 'identity-server' })
  const server = await startIdentityServer(environment, logger)
  logger.info({ address: server.address, operations: server.operationsAddress }, 'listening')

  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    // What does not finish in time is cut off: whoever asked for the end must not wait for a slow client.
    setTimeout(() => process.exit(1), 3_000).unref()
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'closing failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // Started with a channel to a supervisor, it does not outlive it.
  process.on('disconnect', stop)
}

/** One line for each cause: what an operator can act on. Where it came from is of use to developers only. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.message !== '' ? error.message : error.name
  return error.cause === undefined ? own : `${own}\n  because: ${explain(error.cause)}`
}

main().catch((error: unknown) => {
  console.error(process.env.POSTERN_LOG_LEVEL === 'debug' ? error : explain(error))
  process.exit(1)
})
