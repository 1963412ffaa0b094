/** Files of `NAME=value` lines, as shells, Docker and dotenv read them. */

const plain = /^[A-Za-z0-9_.,:/@%+=~-]*$/

/** @throws Error for a value that would need quoting, which the readers do differently */
export function toEnvFile(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => {
    if (!plain.test(value)) throw new Error(`${name} cannot stand in an env file`)
    return `${name}=${value}\n`
  })
  return lines.join('')
}

export function parseEnvFile(text: string): Record<string, string> {
  const pairs = text.split('\n').flatMap((line) => {
    const equals = line.indexOf('=')
    return equals > 0 && !line.startsWith('#') ? [[line.slice(0, equals), line.slice(equals + 1)] as const] : []
  })
  return Object.fromEntries(pairs)
}
