/** `postern-sidecar validate`: a file is checked as a start would, but for the secrets, which may be elsewhere. */
import { ConfigError, type Problem, parseConfig } from './load.ts'

export const usage =
  'usage: postern-sidecar <config.yaml> [--admin <address>] | postern-sidecar validate [--json] <config.yaml>'

export interface ValidateIo {
  /** @throws Error where the file cannot be read */
  read(file: string): string
  print(text: string): void
  complain(text: string): void
}

/**
 * @param args after the word `validate`; with `--json`, `{ file, valid, problems: [{ line, column, path, reason }] }` is printed
 * @returns the exit code: 0 for a valid file, 1 for another one, 2 for wrong usage or a file that cannot be read
 */
export function validate(args: readonly string[], { read, print, complain }: ValidateIo): number {
  const json = args.includes('--json')
  const [file, ...others] = args.filter((argument) => argument !== '--json')
  if (file === undefined || others.length > 0 || file.startsWith('-')) {
    complain(usage)
    return 2
  }
  let text: string
  try {
    text = read(file)
  } catch (error) {
    complain(error instanceof Error ? error.message : `${file} cannot be read`)
    return 2
  }
  const error = check(text, file)
  const problems: readonly Problem[] = error?.problems ?? []
  if (json) print(JSON.stringify({ file, valid: !error, problems }, null, 2))
  else if (error) complain(error.message)
  else print(`${file} is valid`)
  return error ? 1 : 0
}

function check(text: string, file: string): ConfigError | undefined {
  try {
    parseConfig(text, file)
    return undefined
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}
