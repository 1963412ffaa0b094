/**
 * The shape that admin resources share: a collection that is listed and added to, items that are read, changed and
 * deleted; some offer less, some more. A resource is one file in `resources/` and a line in `list.ts`; routes,
 * validation, authorization and the OpenAPI document follow from its definition.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, RouteOptions } from 'fastify'
import Type, { type Static, type TObject, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Page } from '../store/page.ts'
import { adminScopes } from '../tenancy/system.ts'
import type { Action } from './action.ts'
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
  /** With the operation of that name, as `update`. */
  create?: Create
  update?: Update
  view: View
  /** The answer to a creation, where it holds more than the view: a secret that is shown once. */
  created?: Created
  /** Those that it offers. */
  operations: Partial<Operations<Static<Params>, Static<Create>, Static<Update>, Static<View>, Static<Created>>>
  actions?: readonly Action<Static<Params>>[]
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
  Created extends TObject = View,
>(definition: ResourceDefinition<Params, Create, Update, View, Created>): Resource {
  const { tag, description, path, item, key, params, view, actions = [] } = definition
  const { list, create, read, update, remove } = definition.operations
  const itemPath = `${path}/:${item}`
  const Item = Type.Object({ [item]: Type.String({ minLength: 1, maxLength: 255 }) })
  const List = Type.Object({ items: Type.Array(view), next: Type.Union([Type.String(), Type.Null()]) })
  const singular = tag.replace(/s$/, '')

  const paramsOf = (request: FastifyRequest) => Value.Parse(params, request.params)
  const itemOf = (request: FastifyRequest) => Value.Parse(Item, request.params)[item] ?? ''

  /** A route with what the OpenAPI document and Fastify's validation get to know of it. */
  const route = (
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    summary: string,
    schema: FastifySchema,
    handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
  ): RouteOptions => {
    const scope = method === 'GET' ? adminScopes.read : adminScopes.write
    const onItem = url.startsWith(itemPath)
    return {
      method,
      url,
      config: { scope },
      schema: {
        tags: [tag],
        summary,
        description,
        params: onItem ? Type.Intersect([params, Item]) : params,
        security: [{ admin: [scope] }],
        ...schema,
      },
      handler,
    }
  }

  const routes: RouteOptions[] = []

  if (list) {
    const schema = { querystring: Query, response: { 200: List } }
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      const { limit: text, after } = Value.Parse(Query, request.query)
      const limit = Number(text)
      // One more than asked for tells whether there is a next page.
      const rows = await list(adminOf(request), paramsOf(request), { after, limit: limit + 1 })
      const items = rows.slice(0, limit)
      const last = items.at(-1)
      return reply.send({ items, next: rows.length > limit && last ? String(last[key]) : null })
    }
    routes.push(route('GET', path, `List ${tag}`, schema, handler))
  }

  if (create && definition.create) {
    const { create: body, created = view } = definition
    const handler = async (request: FastifyRequest, reply: FastifyReply) =>
      reply.code(201).send(await create(adminOf(request), paramsOf(request), Value.Parse(body, request.body)))
    routes.push(route('POST', path, `Create a ${singular}`, { body, response: { 201: created } }, handler))
  }

  if (read) {
    const handler = async (request: FastifyRequest, reply: FastifyReply) =>
      reply.send(found(await read(adminOf(request), paramsOf(request), itemOf(request))))
    routes.push(route('GET', itemPath, `Read a ${singular}`, { response: { 200: view } }, handler))
  }

  if (update && definition.update) {
    const { update: body } = definition
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      const change = Value.Parse(body, request.body)
      return reply.send(found(await update(adminOf(request), paramsOf(request), itemOf(request), change)))
    }
    routes.push(route('PATCH', itemPath, `Change a ${singular}`, { body, response: { 200: view } }, handler))
  }

  if (remove) {
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      found(await remove(adminOf(request), paramsOf(request), itemOf(request)))
      return reply.code(204).send()
    }
    routes.push(route('DELETE', itemPath, `Delete a ${singular}`, { response: { 204: Type.Null() } }, handler))
  }

  for (const { name, onItem, summary, body, answer, run } of actions) {
    const handler = async (request: FastifyRequest, reply: FastifyReply) =>
      reply.send(found(await run(adminOf(request), paramsOf(request), request.body, onItem ? itemOf(request) : '')))
    const url = `${onItem ? itemPath : path}/${name}`
    routes.push(route('POST', url, summary, { body, response: { 200: answer } }, handler))
  }

  return (app) => {
    for (const each of routes) app.route(each)
  }
}

function found<T>(value: T | undefined | false): T {
  if (value === undefined || value === false) throw new Problem('not_found')
  return value
}

/** One of the names. */
export function oneOf(names: readonly string[]) {
  return Type.Enum([...names])
}

export function nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()])
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
