/**
 * The shape that admin resources share: a collection that is listed and added to, items that are read, changed and
 * deleted; some offer less, some more. A resource is one file in `resources/` and a line in `list.ts`; routes,
 * validation, authorization, the audit log and the OpenAPI document follow from its definition.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, RouteOptions } from 'fastify'
import Type, { type TObject, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { ChangeAction } from '../events/types.ts'
import { adminScopes } from '../tenancy/system.ts'
import type { Access } from './access.ts'
import { adminOf } from './admin-request.ts'
import type { OpenAccess } from './audited-access.ts'
import { describeChange } from './change.ts'
import type { ResourceDefinition } from './definition.ts'
import { Problem } from './problem.ts'

/** A definition whose types are hidden, so that different ones fit into one list. */
export type Resource = (app: FastifyInstance, openAccess: OpenAccess) => void

const Paging = Type.Object({
  limit: Type.String({
    pattern: '^[1-9][0-9]{0,2}$',
    default: '100',
    description: 'Most items of the page, 1 to 999',
  }),
  after: Type.Optional(Type.String({ maxLength: 255, description: 'The `next` of the page before' })),
})
/** Of the path's parameters, the one that names the tenant, whether it is a parent or the item. */
const Tenant = Type.Object({ auth_server: Type.Optional(Type.String()) })

export function resource<
  Params extends TObject,
  Create extends TObject,
  Update extends TObject,
  View extends TObject,
  Created extends TObject = View,
>(definition: ResourceDefinition<Params, Create, Update, View, Created>): Resource {
  const { tag, description, path, item, key, params, view, filter, actions = [] } = definition
  const { list, create, read, update, remove } = definition.operations
  const itemPath = `${path}/:${item}`
  const Item = Type.Object({ [item]: Type.String({ minLength: 1, maxLength: 255 }) })
  const List = Type.Object({ items: Type.Array(view), next: Type.Union([Type.String(), Type.Null()]) })
  const Query = Type.Object({ ...Paging.properties, ...filter?.properties }, { additionalProperties: false })
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

  const accessThrough =
    (openAccess: OpenAccess) =>
    /** @param action what is done with the item, or, where that is undefined, with the collection */
    (request: FastifyRequest, action?: ChangeAction, itemKey?: string): Access => {
      const { auth_server: authServer } = Value.Parse(Tenant, request.params)
      const change = action && describeChange(definition, action, paramsOf(request), itemKey)
      return openAccess({ admin: adminOf(request), authServer, change })
    }

  const addActions = (app: FastifyInstance, accessTo: ReturnType<typeof accessThrough>) => {
    for (const { name, onItem, recordedAs, summary, body, answer, run } of actions) {
      const handler = async (request: FastifyRequest, reply: FastifyReply) => {
        const itemKey = onItem ? itemOf(request) : undefined
        const access = accessTo(request, recordedAs, itemKey)
        return reply.send(found(await run(access, paramsOf(request), request.body, itemKey ?? '')))
      }
      const url = `${onItem ? itemPath : path}/${name}`
      app.route(route('POST', url, summary, { body, response: { 200: answer } }, handler))
    }
  }

  return (app, openAccess) => {
    const accessTo = accessThrough(openAccess)

    if (list) {
      const schema = { querystring: Query, response: { 200: List } }
      const handler = async (request: FastifyRequest, reply: FastifyReply) => {
        const { limit: text, after } = Value.Parse(Paging, request.query)
        const limit = Number(text)
        // One more than asked for tells whether there is a next page.
        const page = { after, limit: limit + 1 }
        const rows = await list(accessTo(request), paramsOf(request), page, request.query)
        const items = rows.slice(0, limit)
        const last = items.at(-1)
        return reply.send({ items, next: rows.length > limit && last ? String(last[key]) : null })
      }
      app.route(route('GET', path, `List ${tag}`, schema, handler))
    }

    if (create && definition.create) {
      const { create: body, created = view } = definition
      const handler = async (request: FastifyRequest, reply: FastifyReply) => {
        const access = accessTo(request, 'created')
        return reply.code(201).send(await create(access, paramsOf(request), Value.Parse(body, request.body)))
      }
      app.route(route('POST', path, `Create a ${singular}`, { body, response: { 201: created } }, handler))
    }

    if (read) {
      const handler = async (request: FastifyRequest, reply: FastifyReply) =>
        reply.send(found(await read(accessTo(request), paramsOf(request), itemOf(request))))
      app.route(route('GET', itemPath, `Read a ${singular}`, { response: { 200: view } }, handler))
    }

    if (update && definition.update) {
      const { update: body } = definition
      const handler = async (request: FastifyRequest, reply: FastifyReply) => {
        const access = accessTo(request, 'updated', itemOf(request))
        const change = Value.Parse(body, request.body)
        return reply.send(found(await update(access, paramsOf(request), itemOf(request), change)))
      }
      app.route(route('PATCH', itemPath, `Change a ${singular}`, { body, response: { 200: view } }, handler))
    }

    if (remove) {
      const handler = async (request: FastifyRequest, reply: FastifyReply) => {
        const access = accessTo(request, 'deleted', itemOf(request))
        found(await remove(access, paramsOf(request), itemOf(request)))
        return reply.code(204).send()
      }
      app.route(route('DELETE', itemPath, `Delete a ${singular}`, { response: { 204: Type.Null() } }, handler))
    }

    addActions(app, accessTo)
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
