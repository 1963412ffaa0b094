/** A configuration as it may be shown: where secrets are read from, never what they are. */
import type { Config } from './schema.ts'

const hidden = '[redacted]'

/** Every `{ value: … }`, in whatever section, is a secret that stands in the file itself (schema/parts.ts). */
export function redacted(config: Config): unknown {
  return JSON.parse(JSON.stringify(config), (key, value) => (key === 'value' ? hidden : value))
}
