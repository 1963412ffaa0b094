/** The identity server as a process: environment in, exit code out. */
import { pino } from 'pino'
import { startIdentityServer } from './compose.ts'
import { ConfigError, parseEnvironment } from './config.ts'

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

main().catch((error: unknown) => {
  if (error instanceof ConfigError) console.error(error.message)
  else console.error(error)
  process.exit(1)
})
