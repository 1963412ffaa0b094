import Type, { type Static } from 'typebox'
import { type ClaimDefinition, defaultPlacements, type Placement, placements } from '../../claims/claim.ts'
import { compileClaimSet } from '../../claims/claim-set.ts'
import { toDefinition } from '../../claims/claim-sets.ts'
import { type ClaimContext, type ContextOrganization, contextOrganization } from '../../claims/context.ts'
import { ExpressionError } from '../../claims/errors.ts'
import type { Outcome } from '../../claims/evaluate.ts'
import { type Rehearsal, rehearse } from '../../claims/rehearse.ts'
import { compileSourceOrFail } from '../../claims/sources/list.ts'
import type { AttributeSource } from '../../claims/sources/source.ts'
import { type AttributeSourceRow, listAttributeSources } from '../../store/attribute-sources.ts'
import { type AuthServerRow, findAuthServer } from '../../store/auth-servers.ts'
import { type ClaimRow, listClaims } from '../../store/claims.ts'
import type { Tx } from '../../store/database.ts'
import { issuerOf, maxClaims } from '../../tenancy/auth-servers.ts'
import { action } from '../action.ts'
import type { AdminDeps } from '../deps.ts'
import { Problem } from '../problem.ts'

const Json = Type.Record(Type.String(), Type.Unknown())
const Strings = Type.Array(Type.String(), { maxItems: 1_000 })
const closed = { additionalProperties: false }

const Draft = Type.Object(
  {
    name: Type.String(),
    value: Type.Unknown(),
    condition: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    placements: Type.Optional(Type.Array(Type.Union(placements.map((place) => Type.Literal(place))))),
    optional: Type.Optional(Type.Boolean()),
  },
  closed,
)
const Sample = Type.Object(
  {
    client: Type.Optional(Type.Object({ id: Type.String(), name: Type.String() }, closed)),
    subject: Type.Optional(Type.String()),
    scopes: Type.Optional(Strings),
    grant: Type.Optional(Type.String()),
    request: Type.Optional(
      Type.Object(
        {
          resource: Type.Optional(Strings),
          audience: Type.Optional(Strings),
          authorization_details: Type.Optional(Type.Array(Json)),
        },
        closed,
      ),
    ),
    subject_token: Type.Optional(Json),
    now: Type.Optional(Type.String({ format: 'date-time', pattern: '^\\d{4}-\\d\\d-\\d\\dT' })),
  },
  closed,
)
const Body = Type.Object(
  {
    claims: Type.Optional(Type.Array(Draft, { maxItems: maxClaims, description: 'In place of the stored ones' })),
    context: Type.Optional(Sample),
    attributes: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'In place of what these sources would answer' }),
    ),
  },
  closed,
)

const Failure = Type.Object({ code: Type.String(), message: Type.String() })
const Result = Type.Object({
  name: Type.String(),
  status: Type.Union([
    Type.Literal('made'),
    Type.Literal('not_applicable'),
    Type.Literal('omitted'),
    Type.Literal('failed'),
  ]),
  value: Type.Optional(Type.Unknown()),
  error: Type.Optional(Failure),
})
const Place = Type.Object({
  claims: Type.Union([Json, Type.Null({ description: 'It would be refused' })]),
  omitted: Type.Array(Type.String()),
  failed: Type.Array(Type.String()),
})
const Answer = Type.Object({
  claims: Type.Array(Result),
  placements: Type.Object(Object.fromEntries(placements.map((place) => [place, Place]))),
})

/** Says what claims, stored or drafted, would come out as in a given context. Nothing is stored. */
export function claimEvaluation({ publicOrigin, claimSources, organizationPath, now }: AdminDeps) {
  return action({
    name: 'evaluate',
    summary: 'Say what claims, stored or drafted, would come out as',
    body: Body,
    answer: Answer,
    async run(access, { auth_server }: { auth_server: string }, { claims, context, attributes }) {
      const stored = await access.read((tx) => load(tx, auth_server))
      const path = await organizationPath(stored.row.organization_id)
      const definitions = claims?.map(toDraft) ?? stored.claims.map(toDefinition)
      const stubs = Object.entries(attributes ?? {}).map(([name, value]) => stub(name, value))
      const sources = [...stored.sources.map((source) => compileSourceOrFail(source, claimSources)), ...stubs]
      const sample = toContext(context ?? {}, { row: stored.row, path }, publicOrigin, now())
      return toAnswer(await rehearse(compileClaimSet(definitions, sources), sample))
    },
  })
}

/** Stands in place of the source of that name, whether there is one or not. */
function stub(name: string, value: unknown): AttributeSource {
  return { name, onFailure: 'fail', variables: new Set(), read: () => value }
}

interface Stored {
  row: AuthServerRow
  claims: readonly ClaimRow[]
  sources: readonly AttributeSourceRow[]
}

async function load(tx: Tx, authServer: string): Promise<Stored> {
  const row = await findAuthServer(tx, authServer)
  if (!row) throw new Problem('not_found', 'there is no such auth server')
  const all = { after: undefined, limit: maxClaims }
  return {
    row,
    claims: await listClaims(tx, authServer, all),
    sources: await listAttributeSources(tx, authServer, all),
  }
}

function toDraft({ name, value, condition, placements, optional }: Static<typeof Draft>): ClaimDefinition {
  return {
    name,
    value,
    condition: condition ?? null,
    placements: placements ?? defaultPlacements,
    optional: optional ?? false,
  }
}

/** What the sample leaves out is as a client's own request would have it. */
function toContext(
  sample: Static<typeof Sample>,
  { row, path }: { row: AuthServerRow; path: readonly ContextOrganization[] },
  publicOrigin: string,
  now: number,
): ClaimContext {
  const client = sample.client ?? { id: 'sample', name: 'Sample' }
  return {
    organization: contextOrganization(path),
    auth_server: { id: row.id, issuer: issuerOf(publicOrigin, row.id), name: row.name },
    client,
    subject: sample.subject ?? client.id,
    scopes: sample.scopes ?? [],
    grant: sample.grant ?? 'client_credentials',
    request: { resource: [], audience: [], authorization_details: [], ...sample.request },
    subject_token: sample.subject_token ?? null,
    now: new Date(sample.now ?? now),
  }
}

function toAnswer({ claims, places }: Rehearsal): Static<typeof Answer> {
  return { claims: claims.map(toResult), placements: Object.fromEntries(places.map(toPlace)) }
}

function toResult(outcome: Outcome): Static<typeof Result> {
  if (!('error' in outcome)) return outcome
  const { name, status, error } = outcome
  // Who writes claims may see the data of the sample; what a source's failure says of the network is in its code.
  const message = error instanceof ExpressionError ? error.explanation : error.message
  return { name, status, error: { code: error instanceof ExpressionError ? error.code : error.reason, message } }
}

function toPlace({ place, outcomes }: Rehearsal['places'][number]): [Placement, Static<typeof Place>] {
  const named = (status: Outcome['status']) =>
    outcomes.filter((outcome) => outcome.status === status).map(({ name }) => name)
  const made = outcomes.flatMap((outcome) =>
    outcome.status === 'made' ? [[outcome.name, outcome.value] as const] : [],
  )
  const failed = named('failed')
  return [place, { claims: failed.length > 0 ? null : Object.fromEntries(made), omitted: named('omitted'), failed }]
}
