/** Dynamic client registration (RFC 7591): whom the policy admits becomes a client, with all that it needs. */
import { randomUUID } from 'node:crypto'
import { anybody, holderOf, vouchedForBy } from '../audit/actors.ts'
import type { AuditLog } from '../audit/log.ts'
import { clientMembers } from '../clients/members.ts'
import type { ClientSecrets } from '../clients/secret.ts'
import type { CheckUrl } from '../clients/validation.ts'
import type { EventRecorder } from '../events/recorder.ts'
import { insertClientRegistration } from '../store/client-registrations.ts'
import { insertClient } from '../store/clients.ts'
import type { Database } from '../store/database.ts'
import { findUsableInitialAccessToken, useInitialAccessToken } from '../store/initial-access-tokens.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { RegistrationPolicy } from '../tenancy/registration-policy.ts'
import type { AdmittedClient } from './client.ts'
import { type ClientInformation, toInformation } from './information.ts'
import { invalidMetadata, membersOf, readMetadata } from './metadata.ts'
import { admitClient } from './policy.ts'
import { recordChange, targetOf } from './record.ts'
import { requireRoom, requireRoomFor } from './room.ts'
import { provideSecret } from './secrets.ts'
import type { VerifiedStatement, VerifySoftwareStatement } from './statement.ts'
import { storable } from './storable.ts'
import { createRegistrationAccessToken, hashToken, refuseToken, requireToken } from './tokens.ts'

export interface RegistrationDeps {
  db: Database
  secrets: ClientSecrets
  checkUrl: CheckUrl
  verifyStatement: VerifySoftwareStatement
  audit: Pick<AuditLog, 'enterBelow'>
  events: Pick<EventRecorder, 'record'>
  /** ms since the epoch */
  now: () => number
}

export interface RegistrationRequest {
  authServer: AuthServer
  policy: RegistrationPolicy
  authorization: string | undefined
  body: unknown
}

/** @throws OAuthError; StoreError */
export type RegisterClient = (request: RegistrationRequest) => Promise<ClientInformation>

export function createRegisterClient(deps: RegistrationDeps): RegisterClient {
  const { db, secrets, checkUrl, verifyStatement, audit, events, now } = deps
  return async ({ authServer, policy, authorization, body }) => {
    const { id: tenant } = authServer
    const at = now()
    const permit = policy.mode === 'initial_access_token' ? hashToken(requireToken(authorization)) : undefined
    // Before the metadata are looked at: who may not register need not learn what may be registered.
    await requirePermit(permit, (hash) =>
      db.read({ authServer: tenant }, (tx) => findUsableInitialAccessToken(tx, tenant, hash, new Date(at))),
    )
    const { software_statement, ...said } = membersOf(body)
    const statement = await verifyStatement(authServer, software_statement)
    if (policy.mode === 'software_statement' && !statement) throw invalidMetadata('software_statement is required')
    const admitted = admitClient({ authServer, policy, checkUrl }, readMetadata(said, statement?.metadata))
    const token = createRegistrationAccessToken()

    const information = await storable(() =>
      db.write({ organization: authServer.organization, authServer: tenant }, async (tx) => {
        const used = await requirePermit(permit, (hash) => useInitialAccessToken(tx, tenant, hash, new Date(at)))
        await requireRoom(tx, tenant, policy)
        if (statement) await requireRoomFor(tx, tenant, policy, statement)
        const row = await insertClient(tx, tenant, toColumns(randomUUID(), admitted), admitted.scopes)
        const registration = await insertClientRegistration(tx, tenant, {
          client_id: row.id,
          token_hash: hashToken(token),
          metadata: JSON.stringify(admitted.registered),
          issued_at: new Date(at),
          software_statement: statement?.text ?? null,
        })
        const { authMethods } = admitted
        const need = { client: row.id, authMethods, lifetime: policy.secret_lifetime, now: at }
        const secret = await provideSecret(tx, tenant, secrets, need)
        await audit.enterBelow(tx, tenant, {
          actor: actorOf(used, statement),
          action: 'client.created',
          target: targetOf(tenant, row.id),
          after: clientMembers(row),
        })
        return toInformation(authServer, row, registration, token, secret)
      }),
    )
    recordChange(events, tenant, 'client.created', String(information.client_id))
    return information
  }
}

/** Whoever let the client in. */
function actorOf(initialAccessToken: string | undefined, statement: VerifiedStatement | undefined): string {
  if (initialAccessToken !== undefined) return holderOf(initialAccessToken)
  return statement ? vouchedForBy(statement.trustedIssuer) : anybody
}

/** @param find the id of the token, where it is good */
async function requirePermit(
  hash: Buffer | undefined,
  find: (hash: Buffer) => Promise<string | undefined>,
): Promise<string | undefined> {
  if (!hash) return undefined
  const found = await find(hash)
  if (found === undefined) throw refuseToken('the initial access token is unknown, expired or used up')
  return found
}

function toColumns(id: string, admitted: AdmittedClient) {
  return {
    id,
    name: admitted.name ?? id,
    enabled: true,
    grant_types: admitted.grantTypes,
    token_endpoint_auth_methods: admitted.authMethods,
    audience: null,
    access_token_lifetime: null,
    may_introspect: false,
    settings: JSON.stringify(admitted.settings),
  }
}
