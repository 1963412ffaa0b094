import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { Credential, encryptCredential } from '../../claims/sources/credential.ts'
import { httpSource } from '../../claims/sources/http.ts'
import { staticSource } from '../../claims/sources/static.ts'
import { compileUrl } from '../../claims/sources/url-template.ts'
import {
  type AttributeSourceRow,
  deleteAttributeSource,
  findAttributeSource,
  insertAttributeSource,
  listAttributeSources,
  updateAttributeSource,
} from '../../store/attribute-sources.ts'
import { maxClaims } from '../../tenancy/auth-servers.ts'
import { checkClaims, explained, lockClaims } from '../claims.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { resource, someOf, times, toTimes } from '../resource.ts'

const OnFailure = Type.Union([Type.Literal('fail'), Type.Literal('omit')], {
  description: 'Where it cannot be asked: refuse what needs it (the default), or let its attributes be null',
})
const NewCredential = Type.Union([Credential, Type.Null({ description: 'None' })])

/** Exactly one of these says which kind the source is. */
const kinds = {
  static: Type.Optional(staticSource.Configuration),
  http: Type.Optional(httpSource.Configuration),
}

const View = Type.Object({
  name: Type.String(),
  on_failure: OnFailure,
  ...kinds,
  has_credential: Type.Boolean(),
  ...times,
})

export function attributeSources(deps: AdminDeps) {
  const { masterKeys } = deps

  /** Columns of a body; what it leaves out stays as it is in `present`. */
  const columnsOf = (authServer: string, name: string, body: Change, present?: AttributeSourceRow) => {
    const kind = kindOf(body, present)
    const configuration = body[kind] === undefined ? (present?.configuration ?? '') : JSON.stringify(body[kind])
    const origin = kind === 'http' ? originOf(name, configuration) : ''
    requireCredentialAgain(origin, body, present)
    return {
      kind,
      configuration,
      ...(body.on_failure && { on_failure: body.on_failure }),
      ...(body.credential === null && { credential: null, encryption_key: null }),
      ...(body.credential && encryptCredential(masterKeys, authServer, name, origin, body.credential)),
    }
  }

  return resource({
    tag: 'attribute sources',
    name: 'attribute_source',
    description: 'Where claims take attributes from, as attributes.<source>: a table, or a service that is asked.',
    path: '/auth-servers/:auth_server/attribute-sources',
    item: 'attribute_source',
    key: 'name',
    params: Type.Object({ auth_server: Type.String() }),
    create: Type.Object(
      {
        name: Type.String({ pattern: '^[a-z][a-z0-9_]{0,62}$' }),
        on_failure: Type.Optional(OnFailure),
        ...kinds,
        credential: Type.Optional(NewCredential),
      },
      { additionalProperties: false },
    ),
    update: someOf({ on_failure: OnFailure, ...kinds, credential: NewCredential }),
    view: View,
    created: View,
    operations: {
      list: (access, { auth_server }, page) =>
        access.read(async (tx) => (await listAttributeSources(tx, auth_server, page)).map(toView)),
      create: (access, { auth_server }, { name, ...body }) =>
        access.change(async (tx) => {
          await lockClaims(tx, auth_server)
          const all = await listAttributeSources(tx, auth_server, { after: undefined, limit: maxClaims })
          if (all.length >= maxClaims) {
            throw new Problem('limit_reached', `an auth server has at most ${maxClaims} attribute sources`)
          }
          const columns = columnsOf(auth_server, name, body)
          const row = await insertAttributeSource(tx, auth_server, { name, on_failure: 'fail', ...columns })
          await checkClaims(tx, deps, auth_server)
          return toView(row)
        }),
      read: (access, { auth_server }, name) =>
        access.read(async (tx) => {
          const row = await findAttributeSource(tx, auth_server, name)
          return row && toView(row)
        }),
      update: (access, { auth_server }, name, body) =>
        access.change(async (tx) => {
          await lockClaims(tx, auth_server)
          const present = await findAttributeSource(tx, auth_server, name)
          if (!present) return undefined
          const row = await updateAttributeSource(tx, auth_server, name, columnsOf(auth_server, name, body, present))
          await checkClaims(tx, deps, auth_server)
          return row && toView(row)
        }),
      remove: (access, { auth_server }, name) =>
        access.change(async (tx) => {
          await lockClaims(tx, auth_server)
          const removed = await deleteAttributeSource(tx, auth_server, name)
          if (removed) await checkClaims(tx, deps, auth_server).catch(becauseInUse)
          return removed
        }),
    },
  })
}

/** A claim that names the source would no longer compile. */
function becauseInUse(error: unknown): never {
  throw error instanceof Problem ? new Problem('in_use', error.message) : error
}

interface Change {
  static?: Static<typeof staticSource.Configuration>
  http?: Static<typeof httpSource.Configuration>
  on_failure?: 'fail' | 'omit'
  credential?: Credential | null
}

/** @throws Problem `invalid_request` */
function kindOf(body: Change, present?: AttributeSourceRow): 'static' | 'http' {
  const [kind, another] = (['static', 'http'] as const).filter((name) => body[name] ?? present?.kind === name)
  if (!kind || another) throw new Problem('invalid_request', 'a source is either static or http, and stays what it is')
  if (body.credential && kind !== 'http') throw new Problem('invalid_request', 'only an http source has a credential')
  return kind
}

/**
 * Whoever may change a URL could otherwise have the credential, which nobody may read, sent to a host of theirs.
 * @throws Problem `invalid_request`
 */
function requireCredentialAgain(origin: string, { credential }: Change, present?: AttributeSourceRow): void {
  if (!present?.credential || credential !== undefined) return
  if (originOf(present.name, present.configuration) === origin) return
  throw new Problem('invalid_request', 'for another host, the credential must be given again, or null')
}

function originOf(name: string, configuration: string): string {
  const { url } = Value.Parse(httpSource.Configuration, JSON.parse(configuration))
  return explained(`attribute source ${name}`, () => compileUrl(url)).origin
}

function toView({ name, kind, configuration, on_failure, credential, created_at, updated_at }: AttributeSourceRow) {
  const parsed: unknown = JSON.parse(configuration)
  return {
    name,
    on_failure,
    ...(kind === 'static' && { static: Value.Parse(staticSource.Configuration, parsed) }),
    ...(kind === 'http' && { http: Value.Parse(httpSource.Configuration, parsed) }),
    has_credential: credential !== null,
    ...toTimes({ created_at, updated_at }),
  }
}
