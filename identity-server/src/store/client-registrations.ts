import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Tx } from './database.ts'
import type { ClientRegistrationsTable } from './schema.ts'

export type ClientRegistrationRow = Selectable<ClientRegistrationsTable>

export function findClientRegistration(
  tx: Tx,
  authServer: string,
  client: string,
): Promise<ClientRegistrationRow | undefined> {
  return tx
    .selectFrom('client_registrations')
    .selectAll()
    .where('auth_server_id', '=', authServer)
    .where('client_id', '=', client)
    .executeTakeFirst()
}

/** How many clients of the auth server registered themselves. */
export async function countClientRegistrations(tx: Tx, authServer: string): Promise<number> {
  const { count } = await tx
    .selectFrom('client_registrations')
    .select(sql<string>`count(*)`.as('count'))
    .where('auth_server_id', '=', authServer)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/**
 * How many of them have the software statement. Compared is what was signed: of one content, there are several signatures.
 * @param statement a compact JWS
 */
export async function countClientsWithStatement(tx: Tx, authServer: string, statement: string): Promise<number> {
  const signed = (text: unknown) => sql`split_part(${text}, '.', 2)`
  const { count } = await tx
    .selectFrom('client_registrations')
    .select(sql<string>`count(*)`.as('count'))
    .where('auth_server_id', '=', authServer)
    .where(sql<boolean>`${signed(sql.ref('software_statement'))} = ${signed(statement)}`)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export function insertClientRegistration(
  tx: Tx,
  authServer: string,
  row: Omit<Insertable<ClientRegistrationsTable>, 'auth_server_id'>,
): Promise<ClientRegistrationRow> {
  return tx
    .insertInto('client_registrations')
    .values({ ...row, auth_server_id: authServer })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** @throws Error where the client has not registered itself */
export function updateClientRegistration(
  tx: Tx,
  authServer: string,
  client: string,
  change: Pick<Updateable<ClientRegistrationsTable>, 'metadata' | 'software_statement'>,
): Promise<ClientRegistrationRow> {
  return tx
    .updateTable('client_registrations')
    .set(change)
    .where('auth_server_id', '=', authServer)
    .where('client_id', '=', client)
    .returningAll()
    .executeTakeFirstOrThrow()
}
