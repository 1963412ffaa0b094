/**
 * Management of a registered client by itself (RFC 7592), with its registration access token. Clients that an administrator
 * made have none, and what an administrator decided about a client is beyond it.
 */
import { OAuthError } from '@postern/protocol/oauth-error'
import { clientIdPattern, toStoredSecret } from '../clients/clients.ts'
import { clientMembers } from '../clients/members.ts'
import { endClient } from '../revocations/revoke.ts'
import {
  type ClientRegistrationRow,
  findClientRegistration,
  updateClientRegistration,
} from '../store/client-registrations.ts'
import { type ClientRow, deleteClient, findClient, updateClient } from '../store/clients.ts'
import type { Tx } from '../store/database.ts'
import { lock } from '../store/lock.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import { type ClientInformation, changedMembers, toInformation, toPresent } from './information.ts'
import { invalidMetadata, membersOf, readMetadata } from './metadata.ts'
import { admitClient } from './policy.ts'
import { recordChange, targetOf } from './record.ts'
import type { RegistrationDeps, RegistrationRequest } from './register.ts'
import { requireRoomFor } from './room.ts'
import { expiryOfSecrets, provideSecret, secretsOf } from './secrets.ts'
import { successorOf } from './statement.ts'
import { storable } from './storable.ts'
import { matchesToken, refuseToken, requireToken } from './tokens.ts'

export interface ManagementRequest extends Omit<RegistrationRequest, 'body'> {
  /** The client that the path names. */
  client: string
}

/** Each throws OAuthError and StoreError. */
export interface ManageClient {
  read(request: ManagementRequest): Promise<ClientInformation>
  update(request: ManagementRequest & { body: unknown }): Promise<ClientInformation>
  remove(request: ManagementRequest): Promise<void>
}

const clientId = new RegExp(clientIdPattern)

export function createManageClient(deps: RegistrationDeps): ManageClient {
  const { db, secrets, checkUrl, verifyStatement, audit, events, now } = deps
  const requireSecret = async (tx: Tx, { id: tenant }: AuthServer, client: string, secret: unknown) => {
    if (secret === undefined || secret === null) return
    const stored = (await secretsOf(tx, tenant, client)).map(toStoredSecret)
    const found = typeof secret === 'string' ? await secrets.find(secret, stored, now()) : undefined
    if (!found) throw invalidMetadata('client_secret is not the one that was issued')
  }

  return {
    async read({ authServer, client, authorization }) {
      const token = requireToken(authorization)
      return db.read({ authServer: authServer.id }, async (tx) => {
        const { row, registration } = await requireRegistered(tx, authServer, client, token)
        const need = { client, authMethods: row.token_endpoint_auth_methods, now: now() }
        const expiresAt = await expiryOfSecrets(tx, authServer.id, need)
        return toInformation(authServer, row, registration, token, { expiresAt })
      })
    },
    async update({ authServer, policy, client, authorization, body }) {
      const token = requireToken(authorization)
      const { id: tenant } = authServer
      // Before the transaction, since keys may have to be fetched; and only for who may ask for it.
      const present = await db.read({ authServer: tenant }, (tx) => requireRegistered(tx, authServer, client, token))
      const { client_id, client_secret, software_statement: sent, ...members } = membersOf(body)
      const isNew = sent !== present.registration.software_statement
      const verified = isNew ? await verifyStatement(authServer, sent) : undefined
      const change = await storable(() =>
        db.write({ organization: authServer.organization, authServer: tenant }, async (tx) => {
          const target = await lockTarget(tx, tenant, client)
          const { row, registration } = await requireRegistered(tx, authServer, client, token)
          if (client_id !== client) throw invalidMetadata('client_id is not that of the client')
          await requireSecret(tx, authServer, client, client_secret)
          const statement = successorOf(registration.software_statement, sent, verified)
          if (verified) await requireRoomFor(tx, tenant, policy, verified)
          const admitted = admitClient(
            { authServer, policy, checkUrl },
            readMetadata(members, statement?.metadata),
            toPresent(row, registration),
          )
          const { authMethods } = admitted
          const columns = {
            name: admitted.name ?? client,
            grant_types: admitted.grantTypes,
            token_endpoint_auth_methods: authMethods,
            settings: JSON.stringify(admitted.settings),
          }
          const updated = await updateClient(tx, tenant, client, columns, admitted.scopes)
          if (!updated) throw refuseToken('the client is gone')
          const metadata = JSON.stringify(admitted.registered)
          const registered = await updateClientRegistration(tx, tenant, client, {
            metadata,
            software_statement: statement?.text ?? null,
          })
          const need = { client, authMethods, lifetime: policy.secret_lifetime, now: now() }
          const secret = await provideSecret(tx, tenant, secrets, need)
          await audit.enterBelow(tx, tenant, {
            actor: client,
            action: 'client.updated',
            target,
            before: clientMembers(row),
            after: clientMembers(updated),
          })
          const before = toInformation(authServer, row, registration, token, { expiresAt: undefined })
          const after = toInformation(authServer, updated, registered, token, { expiresAt: undefined })
          return {
            information: toInformation(authServer, updated, registered, token, secret),
            changed: changedMembers(before, after),
          }
        }),
      )
      recordChange(events, tenant, 'client.updated', client, { actor: client, changed: change.changed })
      return change.information
    },
    async remove({ authServer, client, authorization }) {
      const token = requireToken(authorization)
      const { id: tenant, organization } = authServer
      await db.write({ organization, authServer: tenant }, async (tx) => {
        const target = await lockTarget(tx, tenant, client)
        const { row } = await requireRegistered(tx, authServer, client, token)
        await endClient(tx, tenant, client, now())
        await deleteClient(tx, tenant, client)
        await audit.enterBelow(tx, tenant, {
          actor: client,
          action: 'client.deleted',
          target,
          before: clientMembers(row),
        })
      })
      recordChange(events, tenant, 'client.deleted', client, { actor: client })
    },
  }
}

/** The lock of the admin API's changes: neither overwrites what the other has just decided. @returns what is changed */
async function lockTarget(tx: Tx, authServer: string, client: string): Promise<string> {
  const target = targetOf(authServer, client)
  await lock(tx, `change of ${target}`)
  return target
}

/** @throws OAuthError `invalid_token` for whoever is not that client, 403 where an administrator has disabled it */
async function requireRegistered(
  tx: Tx,
  { id: tenant }: AuthServer,
  client: string,
  token: string,
): Promise<{ row: ClientRow; registration: ClientRegistrationRow }> {
  // No other id is looked up: the database need not hold what somebody invents.
  const isId = clientId.test(client)
  const registration = isId ? await findClientRegistration(tx, tenant, client) : undefined
  const isItsToken = matchesToken(token, registration?.token_hash)
  const row = isId ? await findClient(tx, tenant, client) : undefined
  if (!isItsToken || !registration || !row) throw refuseToken('it is not the registration access token of the client')
  if (!row.enabled) throw new OAuthError('unauthorized_client', 'the client is disabled', { status: 403 })
  return { row, registration }
}
