/**
 * What revokes: within the transaction of whatever else it goes along with, so that the two happen together or not at all.
 * `now` is in ms since the epoch; expiries and cut-offs are in seconds, as in tokens.
 */
import { maxTokenLifetime } from '../lifetimes.ts'
import type { Tx } from '../store/database.ts'
import { insertRevocation } from '../store/revocations.ts'

/**
 * Seconds by which the end of a client reaches ahead: so long, other replicas may go on issuing tokens to it, until they
 * hear of it.
 */
const heardWithin = 2

/** One access token. @param expiresAt its `exp` */
export function revokeAccessToken(tx: Tx, authServer: string, jti: string, expiresAt: number, now: number) {
  return insertRevocation(tx, authServer, { kind: 'token', value: jti, expiresAt, ...at(now) })
}

/** All access tokens of an authorization. @param expiresAt when the last of them expires, whenever it was issued */
export function revokeGrant(tx: Tx, authServer: string, grantId: string, expiresAt: number, now: number) {
  return insertRevocation(tx, authServer, { kind: 'grant', value: grantId, expiresAt, ...at(now) })
}

/** All tokens that were issued to a client until `notBefore`, whether or not there still is such a client. */
export function revokeClient(tx: Tx, authServer: string, client: string, now: number, notBefore = seconds(now)) {
  return insertRevocation(tx, authServer, { kind: 'client', value: client, notBefore, ...untilAllExpired(now) })
}

/** As `revokeClient`, of a client that is disabled or deleted: what ended with it does not come back, whatever comes after. */
export function endClient(tx: Tx, authServer: string, client: string, now: number) {
  return revokeClient(tx, authServer, client, now, seconds(now) + heardWithin)
}

/** All tokens that were issued about a subject until `notBefore`. */
export function revokeSubject(tx: Tx, authServer: string, subject: string, now: number, notBefore = seconds(now)) {
  return insertRevocation(tx, authServer, { kind: 'subject', value: subject, notBefore, ...untilAllExpired(now) })
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

/** The second that has begun: a token that is issued later in it counts as issued before (docs/revocation.md). */
function seconds(now: number): number {
  return Math.floor(now / 1_000)
}
