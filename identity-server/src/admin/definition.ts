/** What a resource of the admin API tells of itself; resource.ts makes routes of it. */
import type { Static, TObject } from 'typebox'
import type { Members } from '../audit/differences.ts'
import type { ChangedResource } from '../events/types.ts'
import type { Page } from '../store/page.ts'
import type { Access } from './access.ts'
import type { Action } from './action.ts'

export interface ResourceDefinition<
  Params extends TObject,
  Create extends TObject,
  Update extends TObject,
  View extends TObject,
  Created extends TObject,
> {
  /** What the collection is called in the document. */
  tag: string
  /** What an item is called in the audit log and in events; needed for whatever changes something. */
  name?: ChangedResource
  /** One sentence about it. */
  description: string
  /** Path of the collection, with the parameters of its parents as `:name`. */
  path: string
  /** Name of the parameter that stands for an item's key. */
  item: string
  /** The member of `View` that is the key: where a page ends, the next begins after it. */
  key: keyof Static<View> & string
  /** Path parameters of the parents. */
  params: Params
  /** The organization that an item belongs to, where it stands below no auth server. */
  organizationOf?(view: Members): string
  /** With the operation of that name, as `update`. */
  create?: Create
  update?: Update
  view: View
  /** The answer to a creation, where it holds more than the view: a secret that is shown once. */
  created?: Created
  /** Further query parameters of the list. */
  filter?: TObject
  /** Those that it offers. */
  operations: Partial<Operations<Static<Params>, Static<Create>, Static<Update>, Static<View>, Static<Created>>>
  actions?: readonly Action<Static<Params>>[]
}

/** Each may throw Problem and StoreError; a missing item is undefined or false. */
export interface Operations<Params, Create, Update, View, Created> {
  /** @param query all query parameters, which fit `filter` */
  list(access: Access, params: Params, page: Page, query: unknown): Promise<View[]>
  create(access: Access, params: Params, body: Create): Promise<Created>
  read(access: Access, params: Params, item: string): Promise<View | undefined>
  update(access: Access, params: Params, item: string, body: Update): Promise<View | undefined>
  remove(access: Access, params: Params, item: string): Promise<boolean>
}
