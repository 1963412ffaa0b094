/** What a change over the admin API is, to the audit log and to the events. */
import type { TObject } from 'typebox'
import type { Members } from '../audit/differences.ts'
import type { ChangeAction, ChangedResource, Event } from '../events/types.ts'
import type { Access } from './access.ts'

export interface ChangeOf {
  resource: ChangedResource
  action: ChangeAction
  /** Path of the item; undefined while it is not made yet. */
  target: string | undefined
  /** What stands there before. */
  before(access: Access): Promise<Members | undefined>
  /** What stands there afterwards, from what the change answered; undefined where it is gone. */
  after(result: unknown): Members | undefined
  /** Path of the item that was made. */
  targetOf(after: Members | undefined): string
  /** The organization that the item belongs to, where the path names no auth server. */
  organizationOf(view: Members): string
}

/** What of a resource's definition is needed to describe its changes. */
export interface Changeable<Params> {
  name?: ChangedResource
  path: string
  key: string
  view: TObject
  organizationOf?(view: Members): string
  operations: { read?(access: Access, params: Params, item: string): Promise<Members | undefined> }
}

/**
 * @param item key of the item that is changed; undefined where it is made, or all of the collection is meant
 * @throws Error where the resource has no name: then nothing of it may be changed
 */
export function describeChange<Params extends Members>(
  { name, path, key, view, organizationOf, operations }: Changeable<Params>,
  action: ChangeAction,
  params: Params,
  item: string | undefined,
): ChangeOf {
  if (name === undefined) throw new Error(`changes of ${path} have no name`)
  const collection = path.replaceAll(/:(\w+)/g, (_, parent: string) => encodeURIComponent(String(params[parent])))
  const pathOf = (itemKey: unknown) => `${collection}/${encodeURIComponent(String(itemKey))}`
  return {
    resource: name,
    action,
    target: item === undefined ? undefined : pathOf(item),
    before: async (access) => (item === undefined ? undefined : operations.read?.(access, params, item)),
    after(result) {
      if (typeof result !== 'object' || result === null) return undefined
      // Only what the view shows: the answer to a creation may hold a secret that is shown this once.
      return Object.fromEntries(Object.entries(result).filter(([member]) => Object.hasOwn(view.properties, member)))
    },
    targetOf: (after) => (after && key in after ? pathOf(after[key]) : collection),
    organizationOf(members) {
      if (!organizationOf) throw new Error(`${path} belongs to no auth server and no organization`)
      return organizationOf(members)
    },
  }
}

export function changeEvent(change: ChangeOf, target: string, actor: string, changed: readonly string[]): Event {
  const [, client] = /\/clients\/([^/]+)/.exec(target) ?? []
  return {
    type: `${change.resource}.${change.action}`,
    client_id: client && decodeURIComponent(client),
    target,
    actor,
    changed: changed.length > 0 ? changed.join(' ') : undefined,
  }
}
