/** What can be done with a resource beyond its five operations: a POST to a name below the collection or an item. */
import Type, { type Static, type TObject, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Admin } from './authorize.ts'

export interface ActionDefinition<Params, Body extends TObject, Answer extends TSchema> {
  /** The last segment of its path. */
  name: string
  /** Whether it is done with one item; otherwise with the collection. */
  onItem?: boolean
  /** One sentence for the document. */
  summary: string
  /** Where none of its members is required, the request may come without a body. */
  body: Body
  answer: Answer
  /**
   * May throw Problem and StoreError; what is missing is undefined.
   * @param item its key; empty for the collection
   */
  run(admin: Admin, params: Params, body: Static<Body>, item: string): Promise<Static<Answer> | undefined>
}

/** An action whose types are hidden, so that different ones fit into one list. */
export interface Action<Params> {
  name: string
  onItem: boolean
  summary: string
  body: TSchema
  answer: TSchema
  run(admin: Admin, params: Params, body: unknown, item: string): Promise<unknown>
}

export function action<Params, Body extends TObject, Answer extends TSchema>(
  definition: ActionDefinition<Params, Body, Answer>,
): Action<Params> {
  const { name, onItem = false, summary, body, answer, run } = definition
  return {
    name,
    onItem,
    summary,
    body: Value.Check(body, {}) ? Type.Union([body, Type.Null()]) : body,
    answer,
    run: (admin, params, sent, item) => run(admin, params, Value.Parse(body, sent ?? {}), item),
  }
}
