import { type Insertable, type Selectable, sql } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { OrganizationsTable } from './schema.ts'

export type OrganizationRow = Selectable<OrganizationsTable>

/** The organization, where the tenant's subtree holds it. */
export function findOrganization(tx: Tx, id: string): Promise<OrganizationRow | undefined> {
  return tx.selectFrom('organizations').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The organization that an auth server belongs to, where the tenant's subtree holds it. */
export function findOwner(tx: Tx, authServer: string): Promise<OrganizationRow | undefined> {
  return tx
    .selectFrom('organizations')
    .innerJoin('auth_servers', 'auth_servers.organization_id', 'organizations.id')
    .selectAll('organizations')
    .where('auth_servers.id', '=', authServer)
    .executeTakeFirst()
}

/** The organizations of the tenant's subtree, itself included, by id. */
export function listOrganizations(tx: Tx, page: Page): Promise<OrganizationRow[]> {
  return paginate(tx.selectFrom('organizations').selectAll(), 'id', page).execute()
}

export function insertOrganization(tx: Tx, row: Insertable<OrganizationsTable>): Promise<OrganizationRow> {
  return tx.insertInto('organizations').values(row).returningAll().executeTakeFirstOrThrow()
}

export function updateOrganization(
  tx: Tx,
  id: string,
  change: { name?: string; limits?: string; inherited_limits?: string },
): Promise<OrganizationRow | undefined> {
  return tx
    .updateTable('organizations')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

/** The organizations below one, itself not included, from the top downwards. */
export function listDescendants(tx: Tx, id: string): Promise<OrganizationRow[]> {
  return tx
    .selectFrom('organizations')
    .selectAll()
    .where(sql<boolean>`${id} = any (ancestors)`)
    .where('id', '!=', id)
    .orderBy(sql`array_length(ancestors, 1)`)
    .execute()
}

/** @throws StoreError `in_use` where it still has auth servers or organizations below it */
export async function deleteOrganization(tx: Tx, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom('organizations').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

/** The organizations from the root to this one, itself included; for `maintenance`, which sees those above as well. */
export function listOrganizationPath(tx: Tx, id: string): Promise<{ id: string; name: string }[]> {
  return tx
    .selectFrom('organizations as o')
    .innerJoin('organizations as step', (join) => join.on(sql<boolean>`step.id = any (o.ancestors)`))
    .select(['step.id', 'step.name'])
    .where('o.id', '=', id)
    .orderBy(sql`cardinality(step.ancestors)`)
    .execute()
}
