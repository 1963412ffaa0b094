/** A configuration as it may be shown: where secrets are read from, never what they are. */
import type { Config } from './schema.ts'

const hidden = '[redacted]'
/** What issuers are sent besides may be a key of theirs (schema/upstream.ts). */
const free = new Set(['parameters', 'request_headers'])

/** Every `{ value: … }`, in whatever section, is a secret that stands in the file itself (schema/parts.ts). */
export function redacted(config: Config): unknown {
  return JSON.parse(JSON.stringify(config), (key, value: unknown) => {
    if (key === 'value') return hidden
    return free.has(key) && typeof value === 'object' && value !== null ? withoutValues(value) : value
  })
}

function withoutValues(object: object): Record<string, string> {
  return Object.fromEntries(Object.keys(object).map((name) => [name, hidden]))
}
