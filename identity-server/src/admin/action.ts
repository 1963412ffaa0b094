/** What can be done with a resource beyond its five operations: a POST to a name below the collection or an item. */
import Type, { type Static, type TObject, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { ChangeAction } from '../events/types.ts'
import type { Access } from './access.ts'

export interface ActionDefinition<Params, Body extends TObject, Answer extends TSchema> {
  /** The last segment of its path. */
  name: string
  /** Whether it is done with one item; otherwise with the collection. */
  onItem?: boolean
  /** What it is to the audit log, where it changes something. */
  recordedAs?: ChangeAction
  /** One sentence for the document. */
  summary: string
  /** Where none of its members is required, the request may come without a body. */
  body: Body
  answer: Answer
  /**
   * May throw Problem and StoreError; what is missing is undefined.
   * @param item its key; empty for the collection
   */
  run(access: Access, params: Params, body: Static<Body>, item: string): Promise<Static<Answer> | undefined>
}

/** An action whose types are hidden, so that different ones fit into one list. */
export interface Action<Params> {
  name: string
  onItem: boolean
  recordedAs: ChangeAction | undefined
  summary: string
  body: TSchema
  answer: TSchema
  run(access: Access, params: Params, body: unknown, item: string): Promise<unknown>
}

export function action<Params, Body extends TObject, Answer extends TSchema>(
  definition: ActionDefinition<Params, Body, Answer>,
): Action<Params> {
  const { name, onItem = false, recordedAs, summary, body, answer, run } = definition
  return {
    name,
    onItem,
    recordedAs,
    summary,
    body: Value.Check(body, {}) ? Type.Union([body, Type.Null()]) : body,
    answer,
    run: (access, params, sent, item) => run(access, params, Value.Parse(body, sent ?? {}), item),
  }
}
