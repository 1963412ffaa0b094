/** How many clients may register themselves, counted by one registration at a time. */
import { OAuthError } from '@postern/protocol/oauth-error'
import { countClientRegistrations, countClientsWithStatement } from '../store/client-registrations.ts'
import type { Tx } from '../store/database.ts'
import { lock } from '../store/lock.ts'
import { defaultMaxRegisteredClients, type RegistrationPolicy } from '../tenancy/registration-policy.ts'
import type { SoftwareStatement } from './statement.ts'

/** @throws OAuthError where there can be no more */
export async function requireRoom(
  tx: Tx,
  authServer: string,
  { max_clients: max = defaultMaxRegisteredClients }: RegistrationPolicy,
): Promise<void> {
  await lockCount(tx, authServer)
  if ((await countClientRegistrations(tx, authServer)) >= max)
    throw full('there can be no more registered clients here')
}

/** @throws OAuthError where there can be no more with that statement */
export async function requireRoomFor(
  tx: Tx,
  authServer: string,
  { max_clients_per_statement: max = Number.POSITIVE_INFINITY }: RegistrationPolicy,
  { text }: SoftwareStatement,
): Promise<void> {
  if (max === Number.POSITIVE_INFINITY) return
  await lockCount(tx, authServer)
  if ((await countClientsWithStatement(tx, authServer, text)) < max) return
  throw full('there can be no more registered clients with this software statement')
}

const lockCount = (tx: Tx, authServer: string) => lock(tx, `registrations of ${authServer}`)

function full(description: string): OAuthError {
  return new OAuthError('invalid_request', description, { status: 403 })
}
