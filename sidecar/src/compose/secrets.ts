/** Secrets that are read again when they change, and what the log says where they cannot be. */
import { createSecret } from '../config/changing-secret.ts'
import type { ReadSecret } from '../config/secret.ts'
import type { CommonToolkit } from './toolkit.ts'

export function composeSecrets({
  readSecret,
  logger,
  now,
}: Pick<CommonToolkit, 'logger' | 'now'> & { readSecret: ReadSecret }): CommonToolkit['changingSecret'] {
  return (name, sources, parse) =>
    createSecret({
      read: () => sources.map(readSecret),
      parse,
      now,
      onProblem(error) {
        // Messages of those who read and parse secrets do not hold them.
        const reason = error instanceof Error ? error.message : 'failed'
        logger.warn({ secret: name, reason }, 'a secret cannot be read again: the last good one serves on')
      },
    })
}
