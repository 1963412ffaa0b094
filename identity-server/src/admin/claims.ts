/** What claims and their sources must be together, whichever of them is changed. */
import { compileClaim } from '../claims/claim.ts'
import { toDefinition } from '../claims/claim-sets.ts'
import { ExpressionError } from '../claims/errors.ts'
import { savedLimits } from '../claims/limits.ts'
import { compileSource } from '../claims/sources/list.ts'
import type { AttributeSource } from '../claims/sources/source.ts'
import { type AttributeSourceRow, listAttributeSources } from '../store/attribute-sources.ts'
import { type ClaimRow, listClaims } from '../store/claims.ts'
import type { Tx } from '../store/database.ts'
import { lock } from '../store/lock.ts'
import { maxClaims } from '../tenancy/auth-servers.ts'
import { systemAuthServer } from '../tenancy/system.ts'
import type { AdminDeps } from './deps.ts'
import { Problem } from './problem.ts'

/**
 * Before any change of claims or sources.
 * @throws Problem `protected`: a claim that fails would lock everybody out of the admin API
 */
export async function lockClaims(tx: Tx, authServer: string): Promise<void> {
  if (authServer === systemAuthServer) throw new Problem('protected', 'the system auth server has no claims')
  await lock(tx, `claims of ${authServer}`)
}

/**
 * After a change: whether everything compiles.
 * @throws Problem `invalid_expression` telling what does not, and where
 */
export async function checkClaims(tx: Tx, { claimSources }: AdminDeps, authServer: string): Promise<void> {
  const all = { after: undefined, limit: maxClaims }
  const [claims, sources] = [await listClaims(tx, authServer, all), await listAttributeSources(tx, authServer, all)]
  const compiled = new Map<string, AttributeSource>()
  for (const row of sources) {
    compiled.set(
      row.name,
      explained(`attribute source ${row.name}`, () => compileSource(row, claimSources)),
    )
  }
  for (const row of claims) explained(`claim ${row.name}`, () => compileClaim(toDefinition(row), compiled))
  if (lengthOf(claims, sources) > savedLimits.totalLength) {
    throw new Problem('limit_reached', `claims and sources have at most ${savedLimits.totalLength} characters together`)
  }
}

function lengthOf(claims: readonly ClaimRow[], sources: readonly AttributeSourceRow[]): number {
  const lengths = [
    ...claims.map(({ value, condition }) => value.length + (condition?.length ?? 0)),
    ...sources.map(({ configuration }) => configuration.length),
  ]
  return lengths.reduce((sum, length) => sum + length, 0)
}

/** @throws Problem `invalid_expression` */
export function explained<T>(subject: string, compile: () => T): T {
  try {
    return compile()
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    throw new Problem('invalid_expression', `${subject}: ${error.explanation}`)
  }
}
