/** The kinds of attribute sources. To add one: a file beside these, a line here, and its name in the migrations. */
import { Value } from 'typebox/value'
import type { MasterKeys } from '../../keys/master-keys.ts'
import type { AttributeSourceRow } from '../../store/attribute-sources.ts'
import { ExpressionError } from '../errors.ts'
import { authorizationOf } from './credential.ts'
import { httpSource } from './http.ts'
import { type AskRemote, type AttributeSource, type CompiledSource, SourceError, type SourceScope } from './source.ts'
import { staticSource } from './static.ts'

export const sourceKinds = { static: staticSource, http: httpSource } as const

export interface SourceDeps {
  masterKeys: MasterKeys
  askRemote: AskRemote
  checkUrl(url: string): string | undefined
}

/** @throws ExpressionError for a configuration that cannot work */
export function compileSource(
  row: AttributeSourceRow,
  { masterKeys, askRemote, checkUrl }: SourceDeps,
): AttributeSource {
  const { expressions, read } = compileKind(row, {
    cacheKey: `${row.auth_server_id}\n${row.name}\n${row.updated_at.getTime()}`,
    askRemote,
    checkUrl,
    authorization: (origin) => authorizationOf(masterKeys, row, origin),
  })
  const variables = new Set(expressions.flatMap((expression) => [...expression.variables]))
  if (variables.has('attributes')) throw new ExpressionError('no_attributes_here', 'a source cannot depend on another')
  return { name: row.name, onFailure: row.on_failure, variables, read }
}

/** As `compileSource`; a source that cannot work, which saving prevents, fails when it is asked. */
export function compileSourceOrFail(row: AttributeSourceRow, deps: SourceDeps): AttributeSource {
  try {
    return compileSource(row, deps)
  } catch (error) {
    const read = () => {
      throw new SourceError('invalid', error)
    }
    return { name: row.name, onFailure: row.on_failure, variables: new Set(), read }
  }
}

function compileKind({ kind, configuration }: AttributeSourceRow, scope: SourceScope): CompiledSource {
  const parsed: unknown = JSON.parse(configuration)
  // One line for each kind: only so is the configuration known to be that of the kind.
  if (kind === 'static') return staticSource.compile(Value.Parse(staticSource.Configuration, parsed), scope)
  return httpSource.compile(Value.Parse(httpSource.Configuration, parsed), scope)
}
