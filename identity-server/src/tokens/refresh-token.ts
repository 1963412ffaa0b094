/**
 * Refresh tokens as strings: which grant, a random part, and a MAC that only this server can make. Of what was rotated away
 * nothing is stored: a token with a right MAC that is not its grant's current one was issued once, and has been used.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Mac } from '../keys/master-keys.ts'
import type { Database } from '../store/database.ts'
import type { GrantRow } from '../store/grants.ts'
import { findGrantByCall } from '../store/presented-grants.ts'

export interface RefreshTokens {
  /** @returns a new token of the grant, and the hash to store */
  make(authServer: string, grantId: string): { token: string; hash: Buffer }
  /** @returns what the token says, or undefined where this auth server never issued it */
  read(authServer: string, token: string): { grantId: string; hash: Buffer } | undefined
}

/** Lets secret scanners recognise one that leaked, and tells them from access tokens. */
const prefix = 'pst_rt_'
const grantBytes = 16
const randomPartBytes = 24
const macBytes = 32
/** A multiple of three bytes, so that base64url spells each token in one way. */
const bytes = grantBytes + randomPartBytes + macBytes
const pattern = new RegExp(`^${prefix}[A-Za-z0-9_-]{${(bytes / 3) * 4}}$`)

/** An id for a new grant. */
export function createGrantId(): string {
  return randomBytes(grantBytes).toString('base64url')
}

/** @param mac for this purpose alone; while a key is in its list, the tokens made under it are good */
export function createRefreshTokens(mac: Mac): RefreshTokens {
  // No auth server's id holds a space.
  const signed = (authServer: string, body: Buffer) => `${authServer} ${body.toString('base64url')}`
  return {
    make(authServer, grantId) {
      const body = Buffer.concat([Buffer.from(grantId, 'base64url'), randomBytes(randomPartBytes)])
      const token = prefix + Buffer.concat([body, mac.sign(signed(authServer, body))]).toString('base64url')
      return { token, hash: hashOf(token) }
    },
    read(authServer, token) {
      if (!pattern.test(token)) return undefined
      const content = Buffer.from(token.slice(prefix.length), 'base64url')
      const body = content.subarray(0, -macBytes)
      if (!mac.verify(signed(authServer, body), content.subarray(-macBytes))) return undefined
      return { grantId: body.subarray(0, grantBytes).toString('base64url'), hash: hashOf(token) }
    },
  }
}

/** A grant whose refresh token somebody presents. */
export interface PresentedGrant {
  grant: GrantRow
  /** Whether that is the one to be used next. */
  isCurrent: boolean
}

/** @returns undefined for a token that was never issued, or whose grant has ended. @throws StoreError */
export async function findPresentedGrant(
  { db, refreshTokens }: { db: Pick<Database, 'call'>; refreshTokens: RefreshTokens },
  authServer: string,
  token: string,
): Promise<PresentedGrant | undefined> {
  const read = refreshTokens.read(authServer, token)
  const grant = read && (await findGrantByCall(db, authServer, read.grantId))
  return grant && { grant, isCurrent: read.hash.equals(grant.token_hash) }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
