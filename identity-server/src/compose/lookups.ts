/** What is kept in memory of tenants, clients, keys, revocations and those whom they trust. */
import { createClients } from '../clients/clients.ts'
import { createKeysOf } from '../clients/keys.ts'
import { createKeyRings } from '../keys/signing-keys.ts'
import { createRemoteJwks } from '../outgoing/remote-jwks.ts'
import { createRevocationLog } from '../revocations/log.ts'
import { createAuthServers } from '../tenancy/auth-servers.ts'
import { systemAuthServer } from '../tenancy/system.ts'
import { createTrustedIssuers } from '../trust/trusted-issuers.ts'
import type { Foundation } from './foundation.ts'

export type Lookups = Awaited<ReturnType<typeof openLookups>>

/**
 * @param now ms since the epoch
 * @throws Error where the master keys are not those of this database: here, and not at the first request
 */
export async function openLookups({ db, masterKeys, outgoing }: Foundation, publicOrigin: string, now: () => number) {
  const authServers = createAuthServers(db, publicOrigin)
  const clients = createClients(db)
  const keyRings = createKeyRings(db, masterKeys)
  await keyRings.get(systemAuthServer)
  const keysOf = createKeysOf(createRemoteJwks(outgoing, now))
  const trustedIssuers = createTrustedIssuers(db, keysOf)
  return { authServers, clients, keyRings, revocations: createRevocationLog(db, now), keysOf, trustedIssuers }
}
