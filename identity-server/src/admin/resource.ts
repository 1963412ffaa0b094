/**
 * The shape that every admin resource shares: a collection that is listed and added to, items that are read, changed
 * and deleted. A resource is one file in `resources/` and a line in `list.ts`; routes, validation, authorization and
 * the OpenAPI document follow from its definition.
 */
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify'
import Type, { type Static, type TObject, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Page } from '../store/page.ts'
import { adminScopes } from '../tenancy/system.ts'
import { adminOf } from './admin-request.ts'
import type { Admin } from './authorize.ts'
import { Problem } from './problem.ts'

export interface ResourceDefinition<
  Params extends TObject,
  Create extends TObject,
  Update extends TObject,
  View extends TObject,
  Created extends TObject,
> {
  /** What the collection is called in the document. */
  tag: string
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
  create: Create
  update: Update
  view: View
  /** The answer to a creation, where it holds more than the view: a secret that is shown once. */
  created: Created
  operations: Operations<Static<Params>, Static<Create>, Static<Update>, Static<View>, Static<Created>>
}

/** Each may throw Problem and StoreError; a missing item is undefined or false. */
export interface Operations<Params, Create, Update, View, Created> {
  list(admin: Admin, params: Params, page: Page): Promise<View[]>
  create(admin: Admin, params: Params, body: Create): Promise<Created>
  read(admin: Admin, params: Params, item: string): Promise<View | undefined>
  update(admin: Admin, params: Params, item: string, body: Update): Promise<View | undefined>
  remove(admin: Admin, params: Params, item: string): Promise<boolean>
}

/** A definition whose types are hidden, so that different ones fit into one list. */
export type Resource = (app: FastifyInstance) => void

const Query = Type.Object(
  {
    limit: Type.String({
      pattern: '^[1-9][0-9]{0,2}$',
      default: '100',
      description: 'Most items of the page, 1 to 999',
    }),
    after: Type.Optional(Type.String({ maxLength: 255, description: 'The `next` of the page before' })),
  },
  { additionalProperties: false },
)

export function resource<
  Params extends TObject,
  Create extends TObject,
  Update extends TObject,
  View extends TObject,
  Created extends TObject,
>(definition: ResourceDefinition<Params, Create, Update, View, Created>): Resource {
  const { tag, description, path, item, key, params, operations } = definition
  const itemPath = `${path}/:${item}`
  const Item = Type.Object({ [item]: Type.String({ minLength: 1, maxLength: 255 }) })
  const List = Type.Object({ items: Type.Array(definition.view), next: Type.Union([Type.String(), Type.Null()]) })
  const singular = tag.replace(/s$/, '')

  /** What the OpenAPI document and Fastify's validation get to know of a route. */
  const route = (scope: string, summary: string, schema: FastifySchema, onItem = false) => ({
    config: { scope },
    schema: {
      tags: [tag],
      summary,
      description,
      params: onItem ? Type.Intersect([params, Item]) : params,
      security: [{ admin: [scope] }],
      ...schema,
    },
  })
  const paramsOf = (request: FastifyRequest) => Value.Parse(params, request.params)
  const itemOf = (request: FastifyRequest) => Value.Parse(Item, request.params)[item] ?? ''

  return (app) => {
    app.get(
      path,
      route(adminScopes.read, `List ${tag}`, { querystring: Query, response: { 200: List } }),
      async (request, reply) => {
        const { limit: text, after } = Value.Parse(Query, request.query)
        const limit = Number(text)
        // One more than asked for tells whether there is a next page.
        const rows = await operations.list(adminOf(request), paramsOf(request), { after, limit: limit + 1 })
        const items = rows.slice(0, limit)
        const last = items.at(-1)
        return reply.send({ items, next: rows.length > limit && last ? String(last[key]) : null })
      },
    )

    app.post(
      path,
      route(adminScopes.write, `Create a ${singular}`, {
        body: definition.create,
        response: { 201: definition.created },
      }),
      async (request, reply) => {
        const body = Value.Parse(definition.create, request.body)
        return reply.code(201).send(await operations.create(adminOf(request), paramsOf(request), body))
      },
    )

    app.get(
      itemPath,
      route(adminScopes.read, `Read a ${singular}`, { response: { 200: definition.view } }, true),
      async (request, reply) =>
        reply.send(found(await operations.read(adminOf(request), paramsOf(request), itemOf(request)))),
    )

    app.patch(
      itemPath,
      route(
        adminScopes.write,
        `Change a ${singular}`,
        { body: definition.update, response: { 200: definition.view } },
        true,
      ),
      async (request, reply) => {
        const body = Value.Parse(definition.update, request.body)
        return reply.send(found(await operations.update(adminOf(request), paramsOf(request), itemOf(request), body)))
      },
    )

    app.delete(
      itemPath,
      route(adminScopes.write, `Delete a ${singular}`, { response: { 204: Type.Null() } }, true),
      async (request, reply) => {
        found(await operations.remove(adminOf(request), paramsOf(request), itemOf(request)))
        return reply.code(204).send()
      },
    )
  }
}

function found<T>(value: T | undefined | false): T {
  if (value === undefined || value === false) throw new Problem('not_found')
  return value
}

/** Members that every view ends with. */
export const times = {
  created_at: Type.String({ format: 'date-time' }),
  updated_at: Type.String({ format: 'date-time' }),
}

export function toTimes(row: { created_at: Date; updated_at: Date }): { created_at: string; updated_at: string } {
  return { created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() }
}

/** A schema whose members may all be left out, but not all at once. */
export function someOf<Properties extends Record<string, TSchema>>(properties: Properties) {
  return Type.Partial(Type.Object(properties), { additionalProperties: false, minProperties: 1 })
}
