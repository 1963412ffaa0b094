/** Envoy removes headers by name alone, so each spelling that a request has of what may not pass is named to it. */
import type { Allow } from '@postern/protocol/decision'
import { spellingsOf } from '@postern/protocol/header-name'

const known = new WeakMap<Allow, (name: string) => boolean>()

/** @param received names and values of the request's headers */
export function headersToRemove(allow: Allow, received: readonly string[]): string[] {
  const mayNotPass = known.get(allow) ?? createMayNotPass(allow)
  known.set(allow, mayNotPass)
  const names: string[] = []
  for (let index = 0; index < received.length; index += 2) {
    const name = received[index]?.toLowerCase() ?? ''
    if (mayNotPass(name)) names.push(name)
  }
  return names
}

/** Envoy removes after it has set, and setting overwrites all of the same name. */
function createMayNotPass(allow: Allow): (name: string) => boolean {
  const isSpelling = spellingsOf(allow.remove_headers)
  return (name) => isSpelling(name) && !Object.hasOwn(allow.set_headers, name)
}
