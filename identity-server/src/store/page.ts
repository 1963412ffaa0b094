/** One page of a listing, by key: stable while rows come and go, and as quick at the end as at the start. */
import { type ReferenceExpression, type SelectQueryBuilder, sql } from 'kysely'
import type { Tables } from './schema.ts'

export interface Page {
  /** The key of the last row of the page before; undefined for the first page. */
  after: string | undefined
  /** Most rows of this page. */
  limit: number
}

export function paginate<Table extends keyof Tables, Row>(
  query: SelectQueryBuilder<Tables, Table, Row>,
  key: ReferenceExpression<Tables, Table>,
  page: Page,
): SelectQueryBuilder<Tables, Table, Row> {
  // The C collation makes the order the same on every system, and an index prefix serves it.
  const ordered = query.orderBy(sql`${sql.ref(String(key))} collate "C"`).limit(page.limit)
  return page.after === undefined
    ? ordered
    : ordered.where(sql<boolean>`${sql.ref(String(key))} collate "C" > ${page.after}`)
}
