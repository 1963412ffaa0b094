/** What a change changed, as the audit log tells it. */

/** Members of a view: what any admin may read, and therefore nothing secret. */
export type Members = Readonly<Record<string, unknown>>

/** Members that change with every change, and tell nothing. */
const untold = new Set(['created_at', 'updated_at'])

/** Each member that differs, with its value before and after. */
export function differences(
  before: Members = {},
  after: Members = {},
): Record<string, { from?: unknown; to?: unknown }> {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const changed = [...names].filter(
    (name) => !untold.has(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  return Object.fromEntries(changed.map((name) => [name, { from: before[name], to: after[name] }]))
}
