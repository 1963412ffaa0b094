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
    named(name, () =>
      createSecret({
        read: () => sources.map(readSecret),
        parse,
        now,
        onProblem: (error) =>
          logger.warn(
            { secret: name, reason: reasonOf(error) },
            'a secret cannot be read again: the last good one serves on',
          ),
      }),
    )
}

/** Does what needs a secret. @throws Error that says whose it is, where it is none that can be used */
function named<T>(name: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new Error(`${name}: ${reasonOf(error)}`)
  }
}

/** Messages of those who read and parse secrets do not hold them. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'failed'
}
