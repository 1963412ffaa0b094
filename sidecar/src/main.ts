#!/usr/bin/env -S node --max-semi-space-size=4 --heap-growing-percent=20
/**
 * The sidecar as a process.
 *
 *   postern-sidecar <config.yaml> [--admin <address>] runs it; SIGHUP, or a change of the file, reloads it
 *   postern-sidecar validate [--json] <config.yaml>   checks the file and ends: 0 it is valid, 1 it is not, 2 wrong usage
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { parseConfig, withAdminAt } from './config/load.ts'
import { createReadSecret } from './config/secret.ts'
import { usage, validate } from './config/validate.ts'
import { fingerprint, watchFile } from './config/watch.ts'
import { createLog } from './log.ts'

async function run(file: string, admin: string | undefined): Promise<void> {
  // Unheard, the signal would end the process. While it starts there is nothing to do: a later change of the file is noticed.
  let reload = (): void => undefined
  process.on('SIGHUP', () => reload())
  // Here and not above: checking a file needs none of it, and is quicker by as much.
  const { startSidecar } = await import('./compose.ts')
  const load = () => {
    const parsed = parseConfig(readFileSync(file, 'utf8'), file)
    return admin === undefined ? parsed : withAdminAt(parsed, admin)
  }
  const asRead = await fingerprint(file)
  const config = load()
  const log = createLog(config.log)
  const { logger } = log
  const readSecret = createReadSecret(process.env)
  const sidecar = await startSidecar(config, { logger, readSecret, logProblem: log.problem, onReload: log.reopen })
  const { address, grpcAddress, adminAddress } = sidecar
  logger.info({ address, unix: config.listen.unix, grpc: grpcAddress, admin: adminAddress }, 'listening')

  reload = () => void sidecar.reload(load)
  const watch = watchFile(file, reload, { since: asRead })

  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    watch.close()
    sidecar.drain()
    const { drain } = sidecar.config()
    await delay(drain.delay * 1_000)
    setTimeout(() => process.exit(1), drain.timeout * 1_000 + 1_000).unref()
    try {
      await sidecar.close()
      process.exit(0)
    } catch (error) {
      logger.error({ err: error }, 'closing failed')
      process.exit(1)
    }
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // Started with a channel to a supervisor, it does not outlive it.
  process.on('disconnect', stop)
}

try {
  const [command, ...rest] = process.argv.slice(2)
  if (command === 'validate') {
    process.exitCode = validate(rest, {
      read: (file) => readFileSync(file, 'utf8'),
      print: console.log,
      complain: console.error,
    })
  } else {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { admin: { type: 'string' } } })
    const [file = process.env.POSTERN_SIDECAR_CONFIG, ...others] = positionals
    if (file && others.length === 0) await run(file, values.admin)
    else {
      console.error(usage)
      process.exitCode = 2
    }
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
