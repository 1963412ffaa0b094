/**
 * The sidecar as a process.
 *
 *   main.ts <config.yaml>            runs it
 *   main.ts validate <config.yaml>   checks the file and ends
 */
import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { startSidecar } from './compose.ts'
import { parseConfig } from './config/load.ts'
import type { Config } from './config/schema.ts'
import { createReadSecret } from './config/secret.ts'

function load(file: string | undefined): Config {
  if (!file) throw new Error('usage: main.ts [validate] <config.yaml>')
  return parseConfig(readFileSync(file, 'utf8'), file)
}

async function run(config: Config): Promise<void> {
  const logger = pino({ level: config.log.level, name: 'sidecar' })
  const sidecar = await startSidecar(config, { logger, readSecret: createReadSecret(process.env) })
  logger.info({ address: sidecar.address, unix: config.listen.unix, admin: sidecar.adminAddress }, 'listening')

  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), 3_000).unref()
    sidecar.close().then(
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

try {
  const [command, file] = process.argv.slice(2)
  if (command === 'validate') {
    load(file)
    console.log(`${file} is valid`)
  } else {
    await run(load(command ?? process.env.POSTERN_SIDECAR_CONFIG))
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
