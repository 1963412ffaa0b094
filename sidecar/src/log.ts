/**
 * The log: lines of JSON, written behind the requests' backs. Where it cannot be written, a full disk say, lines are lost
 * and decisions go on.
 */
import { closeSync, openSync } from 'node:fs'
import { type Logger, pino } from 'pino'
import type { LogConfig } from './config/schema/log.ts'
import { safeReason } from './failures.ts'

export interface Log {
  readonly logger: Logger
  /** Why the last line was lost; undefined: it was not. */
  problem(): string | undefined
  /** Opens the file anew, after it was rotated. */
  reopen(): void
}

/** Of lines that wait to be written. */
const maxWaitingBytes = 1024 * 1024

/** @throws Error where the file cannot be opened */
export function createLog({ level, file }: Pick<LogConfig, 'level' | 'file'>): Log {
  if (file !== undefined) closeSync(openSync(file, 'a'))
  const destination = pino.destination({ dest: file ?? 1, sync: false, maxLength: maxWaitingBytes })
  let problem: string | undefined
  destination.on('error', (error: unknown) => {
    problem = safeReason(error)
  })
  destination.on('drop', () => {
    problem ??= 'too many lines are waiting'
  })
  destination.on('drain', () => {
    problem = undefined
  })
  return {
    logger: pino({ level, name: 'sidecar' }, destination),
    problem: () => problem,
    reopen: () => {
      if (file !== undefined) destination.reopen()
    },
  }
}
