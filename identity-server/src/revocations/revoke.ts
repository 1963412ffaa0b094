/**
 * What revokes: within the transaction of whatever else it goes along with, so that the two happen together or not at all.
 * `now` is in ms since the epoch; expiries and cut-offs are in seconds, as in tokens.
 */
import { maxTokenLifetime } from '../lifetimes.ts'
import type { Tx } from '../store/database.ts'
import { deleteGrant, deleteGrantsOf, type GrantRow } from '../store/grants.ts'
import { lock, lockShared } from '../store/lock.ts'
import { findCutoff, insertRevocation } from '../store/revocations.ts'

/**
 * Seconds by which the end of a client reaches ahead: so long, other replicas may go on issuing tokens to it, until they
 * hear of it.
 */
const heardWithin = 2

const grantsOf = (authServer: string) => `grants of ${authServer}`

/** One access token. @param expiresAt its `exp` */
export function revokeAccessToken(tx: Tx, authServer: string, jti: string, expiresAt: number, now: number) {
  return insertRevocation(tx, authServer, { kind: 'token', value: jti, expiresAt, ...at(now) })
}

/** All tokens of an authorization, whether or not refresh tokens keep it alive. @returns its grant, where they do */
export async function revokeGrant(
  tx: Tx,
  authServer: string,
  grantId: string,
  now: number,
): Promise<GrantRow | undefined> {
  const grant = await endGrant(tx, authServer, grantId, now)
  if (!grant) {
    await insertRevocation(tx, authServer, { kind: 'grant', value: grantId, ...untilAllExpired(now) })
  }
  return grant
}

/**
 * As `revokeGrant`, of a grant with refresh tokens: of many that end one at once, the first revokes it, and the others have
 * nothing to add that everybody would have to remember.
 */
export async function endGrant(
  tx: Tx,
  authServer: string,
  grantId: string,
  now: number,
): Promise<GrantRow | undefined> {
  const grant = await deleteGrant(tx, authServer, grantId)
  if (!grant) return undefined
  const expiresAt = Math.ceil(grant.access_ends_at.getTime() / 1_000)
  await insertRevocation(tx, authServer, { kind: 'grant', value: grantId, expiresAt, ...at(now) })
  return grant
}

/** All tokens that were issued to a client until `notBefore`, whether or not there still is such a client. */
export async function revokeClient(tx: Tx, authServer: string, client: string, now: number, notBefore = seconds(now)) {
  await lock(tx, grantsOf(authServer))
  await deleteGrantsOf(tx, authServer, 'client_id', client, endOf(notBefore))
  await insertRevocation(tx, authServer, { kind: 'client', value: client, notBefore, ...untilAllExpired(now) })
}

/** As `revokeClient`, of a client that is disabled or deleted: what ended with it does not come back, whatever comes after. */
export function endClient(tx: Tx, authServer: string, client: string, now: number) {
  return revokeClient(tx, authServer, client, now, seconds(now) + heardWithin)
}

/** All tokens that were issued about a subject until `notBefore`. */
export async function revokeSubject(
  tx: Tx,
  authServer: string,
  subject: string,
  now: number,
  notBefore = seconds(now),
) {
  await lock(tx, grantsOf(authServer))
  await deleteGrantsOf(tx, authServer, 'subject', subject, endOf(notBefore))
  await insertRevocation(tx, authServer, { kind: 'subject', value: subject, notBefore, ...untilAllExpired(now) })
}

/**
 * Asked within the transaction that stores a new grant, before it does: a revocation of its client or subject that is under
 * way is waited for, and one that comes later waits, and then finds the grant. Else one that was made beside a revocation
 * would outlive it.
 * @param createdAt ms since the epoch
 * @returns whether none covers it
 */
export async function admitsGrant(
  tx: Tx,
  authServer: string,
  { client, subject, createdAt }: { client: string; subject: string; createdAt: number },
): Promise<boolean> {
  await lockShared(tx, grantsOf(authServer))
  const cutoff = await findCutoff(tx, authServer, client, subject)
  return cutoff === undefined || seconds(createdAt) > cutoff
}

/** All tokens that a key has signed. That it signs no more, and is published no more, is the caller's to see to. */
export function revokeSignedBy(tx: Tx, authServer: string, kid: string, now: number) {
  return insertRevocation(tx, authServer, { kind: 'key', value: kid, ...untilAllExpired(now) })
}

function untilAllExpired(now: number) {
  return { expiresAt: seconds(now) + maxTokenLifetime, ...at(now) }
}

function at(now: number) {
  return { revokedAt: seconds(now) }
}

/** The last moment of a second. Refresh tokens outlive what is remembered of a revocation, so grants go with it. */
function endOf(second: number): Date {
  return new Date(second * 1_000 + 999)
}

/** The second that has begun: a token that is issued later in it counts as issued before (docs/revocation.md). */
function seconds(now: number): number {
  return Math.floor(now / 1_000)
}
