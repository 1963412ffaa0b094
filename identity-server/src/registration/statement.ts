/**
 * The software statement of a registration: who signed it, and what it says of the client. What it says takes precedence
 * over what the client says (RFC 7591 section 2.3), and lasts until another statement on the same software says otherwise.
 */
import { readUnverifiedJws } from '@postern/protocol/compact-jws'
import { OAuthError } from '@postern/protocol/oauth-error'
import { maxAssertionLength } from '../assertions/verify.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { TrustedIssuers } from '../trust/trusted-issuers.ts'
import { invalidMetadata } from './metadata.ts'

export interface SoftwareStatement {
  /** As it was sent. */
  text: string
  issuer: string
  softwareId: string
  /** What it says of the client. */
  metadata: Readonly<Record<string, unknown>>
}

export interface VerifiedStatement extends SoftwareStatement {
  /** The id of the trust in its issuer. */
  trustedIssuer: string
}

/**
 * @param sent the member `software_statement`
 * @returns undefined where there is none
 * @throws OAuthError `invalid_software_statement`, `unapproved_software_statement`, `temporarily_unavailable`; StoreError
 */
export type VerifySoftwareStatement = (authServer: AuthServer, sent: unknown) => Promise<VerifiedStatement | undefined>

/** What is said of the statement itself (RFC 7519 section 4.1). */
const aboutItself = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'])

/** @param now ms since the epoch */
export function createVerifySoftwareStatement(
  trustedIssuers: CachedLookup<TrustedIssuers>,
  now: () => number,
): VerifySoftwareStatement {
  return async (authServer, sent) => {
    if (sent === undefined || sent === null) return undefined
    const statement = readStatement(sent)
    if (!statement) throw invalid('it is no JWT with an iss and a software_id')
    // Nobody else is ever asked for keys.
    const issuer = (await trustedIssuers.get(authServer.id))?.get(statement.issuer)
    if (!issuer?.isTrustedFor('software_statements')) throw unapproved('its issuer is not trusted for them')
    const verdict = await issuer.judgeStatement(statement.text, authServer.issuer, now())
    if (verdict === 'invalid') throw invalid('it is not genuine, not timely or meant for others')
    if (verdict === 'unapproved') throw unapproved('the condition of the trust in its issuer does not hold')
    return { ...statement, trustedIssuer: issuer.id }
  }
}

/**
 * The statement that is in force after an update.
 * @param stored the one that the client has, if any
 * @param sent the member `software_statement`
 * @param verified undefined where it is the stored one
 * @throws OAuthError `invalid_client_metadata` where it would be lost, or be about another software
 */
export function successorOf(
  stored: string | null,
  sent: unknown,
  verified: VerifiedStatement | undefined,
): SoftwareStatement | undefined {
  const present = stored === null ? undefined : readStatement(stored)
  if (sent === stored) return present
  if (present && !verified) throw invalidMetadata('software_statement is in force: it must be stated')
  if (present && (present.issuer !== verified?.issuer || present.softwareId !== verified.softwareId)) {
    throw invalidMetadata('software_statement is about another software')
  }
  return verified
}

/** Not verified. @returns undefined where it cannot be a statement */
function readStatement(text: unknown): SoftwareStatement | undefined {
  const claims = typeof text === 'string' ? readUnverifiedJws(text, maxAssertionLength)?.payload : undefined
  if (typeof text !== 'string' || typeof claims?.iss !== 'string' || typeof claims.software_id !== 'string') {
    return undefined
  }
  // As in requests, null is as good as left out.
  const about = Object.entries(claims).filter(([name, value]) => !aboutItself.has(name) && value !== null)
  return { text, issuer: claims.iss, softwareId: claims.software_id, metadata: Object.fromEntries(about) }
}

function invalid(reason: string): OAuthError {
  const cause = new Error(reason)
  return new OAuthError('invalid_software_statement', 'the software statement is not valid', { cause })
}

function unapproved(reason: string): OAuthError {
  const cause = new Error(reason)
  return new OAuthError('unapproved_software_statement', 'the software statement is not approved here', { cause })
}
