/**
 * The steps in the life of signing keys (lifecycle.ts), each within a transaction of the auth server. One transaction at
 * a time changes the keys of an auth server, so replicas and admins cannot make two next keys, and each transaction
 * leaves an active key: a crash between two steps leaves nothing half done.
 */
import { findAuthServer } from '../store/auth-servers.ts'
import type { Tx } from '../store/database.ts'
import { lock, tryLock } from '../store/lock.ts'
import { deleteSigningKeys, listSigningKeys, type SigningKeyRow, updateSigningKey } from '../store/signing-keys.ts'
import { dueSteps, publishedForMs, retiredForMs } from './lifecycle.ts'
import type { MasterKeys } from './master-keys.ts'
import { createSigningKey } from './signing-keys.ts'

const subject = (authServer: string) => `signing keys of ${authServer}`

/** The lock of `advanceKeys`, for what must be looked at before; it may be taken again. */
export function lockKeys(tx: Tx, authServer: string): Promise<void> {
  return lock(tx, subject(authServer))
}

/**
 * Does what is due; nothing where the auth server does not exist.
 * @param now ms since the epoch
 * @returns the key that has taken over, if one has
 */
export async function advanceKeys(
  tx: Tx,
  authServer: string,
  masterKeys: MasterKeys,
  now: number,
): Promise<SigningKeyRow | undefined> {
  await lockKeys(tx, authServer)
  const settings = await findAuthServer(tx, authServer)
  if (!settings) return undefined
  const keys = await listSigningKeys(tx, authServer)
  const { remove, activate, publish } = dueSteps(keys, settings, now)
  await deleteSigningKeys(
    tx,
    authServer,
    remove.map(({ kid }) => kid),
  )
  if (publish) await publishKey(tx, authServer, masterKeys, settings.signing_algorithm, now)
  return activate && activateKey(tx, authServer, keys, activate, now)
}

/** A key before and after; undefined where there was none, or is none any more. */
export interface KeyChange {
  before: SigningKeyRow | undefined
  after: SigningKeyRow | undefined
}

/** As `advanceKeys`, but leaves it to whoever is at these keys already. @returns what has become different */
export async function advanceIdleKeys(
  tx: Tx,
  authServer: string,
  masterKeys: MasterKeys,
  now: number,
): Promise<KeyChange[]> {
  if (!(await tryLock(tx, subject(authServer)))) return []
  const before = await listSigningKeys(tx, authServer)
  await advanceKeys(tx, authServer, masterKeys, now)
  return keyChanges(before, await listSigningKeys(tx, authServer))
}

/** What has become different between two looks at the keys of an auth server. */
export function keyChanges(before: readonly SigningKeyRow[], after: readonly SigningKeyRow[]): KeyChange[] {
  const kids = new Set([...before, ...after].map(({ kid }) => kid))
  const find = (keys: readonly SigningKeyRow[], kid: string) => keys.find((key) => key.kid === kid)
  return [...kids]
    .map((kid) => ({ before: find(before, kid), after: find(after, kid) }))
    .filter((change) => change.before?.state !== change.after?.state)
}

/**
 * Begins a rotation, or joins the one that has begun.
 * @param immediately whether the new key signs at once, known to verifiers or not
 * @returns the key that takes over; undefined where the auth server does not exist
 */
export async function rotateKeys(
  tx: Tx,
  authServer: string,
  masterKeys: MasterKeys,
  now: number,
  immediately: boolean,
): Promise<SigningKeyRow | undefined> {
  const takenOver = await advanceKeys(tx, authServer, masterKeys, now)
  const settings = await findAuthServer(tx, authServer)
  if (takenOver || !settings) return takenOver
  const keys = await listSigningKeys(tx, authServer)
  const next =
    keys.find(({ state }) => state === 'next') ??
    (await publishKey(tx, authServer, masterKeys, settings.signing_algorithm, now))
  return immediately ? activateKey(tx, authServer, keys, next, now) : next
}

/**
 * Removes a key at once: what it has signed is no longer valid. Where it was the active one, the next one takes over,
 * or, where there is none, a new one that no verifier has seen yet.
 * @returns whether there was such a key
 */
export async function revokeKey(
  tx: Tx,
  authServer: string,
  masterKeys: MasterKeys,
  now: number,
  kid: string,
): Promise<boolean> {
  await lockKeys(tx, authServer)
  const keys = await listSigningKeys(tx, authServer)
  if (!keys.some((key) => key.kid === kid)) return false
  await deleteSigningKeys(tx, authServer, [kid])
  await advanceKeys(tx, authServer, masterKeys, now)
  const left = await listSigningKeys(tx, authServer)
  if (!left.some(({ state }) => state === 'active')) await rotateKeys(tx, authServer, masterKeys, now, true)
  return true
}

function publishKey(tx: Tx, authServer: string, masterKeys: MasterKeys, algorithm: string, now: number) {
  return createSigningKey(tx, authServer, masterKeys, algorithm, { state: 'next', activatesAt: now + publishedForMs })
}

async function activateKey(
  tx: Tx,
  authServer: string,
  keys: readonly SigningKeyRow[],
  next: SigningKeyRow,
  now: number,
): Promise<SigningKeyRow> {
  // First the one, since there are never two active keys.
  for (const active of keys.filter(({ state }) => state === 'active')) {
    const retired_at = new Date(now)
    const removes_at = new Date(now + retiredForMs)
    await updateSigningKey(tx, authServer, active.kid, { state: 'retired', retired_at, removes_at })
  }
  return updateSigningKey(tx, authServer, next.kid, { state: 'active', activates_at: new Date(now) })
}
