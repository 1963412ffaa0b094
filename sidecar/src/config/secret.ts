/** Secrets named by the configuration, read at the start. */
import { readFileSync } from 'node:fs'
import type { SecretSource } from './schema/parts.ts'

export type ReadSecret = (source: SecretSource) => string

/**
 * @param environment as of `process.env`
 * @throws Error (from the returned function) naming the variable or file that is missing or empty
 */
export function createReadSecret(environment: Readonly<Record<string, string | undefined>>): ReadSecret {
  return ({ env, file, value }) => {
    const secret = env !== undefined ? variable(environment, env) : file !== undefined ? readSecretFile(file) : value
    if (!secret) throw new Error(`the secret from ${env ?? file ?? 'value'} is missing or empty`)
    return secret
  }
}

function variable(environment: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  // Own ones only: `toString` is no variable.
  return Object.hasOwn(environment, name) ? environment[name] : undefined
}

function readSecretFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw new Error(`the secret file ${file} cannot be read`, { cause })
  }
}
