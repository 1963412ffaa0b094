/**
 * How limits come down the tree of organizations. Each organization and each auth server keeps what holds from above, so
 * that a request needs its own row only; a change above is written through its whole subtree, in one transaction.
 */
import { Value } from 'typebox/value'
import { findOtherAlgorithm, updateInheritedLimits } from '../store/auth-servers.ts'
import type { Tx } from '../store/database.ts'
import { lock } from '../store/lock.ts'
import { listDescendants, type OrganizationRow, updateOrganization } from '../store/organizations.ts'
import { Limits, tighten } from './limits.ts'
import { systemAuthServer } from './system.ts'

/** What holds for whatever is below the organization. */
export function effectiveLimitsOf(row: { limits: unknown; inherited_limits: unknown }): Limits {
  return tighten(Value.Parse(Limits, row.inherited_limits), Value.Parse(Limits, row.limits))
}

/** Must be held by whoever reads limits to hand them down, so that no change above is missed. */
export const lockLimits = (tx: Tx) => lock(tx, 'limits of organizations')

/**
 * Hands the limits of an organization down. The system auth server inherits none: it opens the admin API, and a limit that
 * its clients do not meet could not be taken back by anybody.
 * @param organization as it is after the change
 * @returns the id of an auth server whose signing algorithm they do not allow, and then nothing may be committed
 */
export async function handDownLimits(tx: Tx, organization: OrganizationRow): Promise<string | undefined> {
  const effective = new Map([[organization.id, effectiveLimitsOf(organization)]])
  for (const row of await listDescendants(tx, organization.id)) {
    const inherited = effective.get(row.parent_id ?? '') ?? {}
    await updateOrganization(tx, row.id, { inherited_limits: JSON.stringify(inherited) })
    effective.set(row.id, tighten(inherited, Value.Parse(Limits, row.limits)))
  }
  for (const [id, limits] of effective) {
    await updateInheritedLimits(tx, id, JSON.stringify(limits), systemAuthServer)
    const { signing_algorithms: algorithms } = limits
    const other = algorithms && (await findOtherAlgorithm(tx, id, algorithms, systemAuthServer))
    if (other !== undefined) return other
  }
  return undefined
}
