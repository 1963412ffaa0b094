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
  change: Pick<Updateable<ClientRegistrationsTable>, 'metadata'>,
): Promise<ClientRegistrationRow> {
  return tx
    .updateTable('client_registrations')
    .set(change)
    .where('auth_server_id', '=', authServer)
    .where('client_id', '=', client)
    .returningAll()
    .executeTakeFirstOrThrow()
}
