import type { Confirmation } from '@postern/protocol/confirmation'
import { OAuthError } from '@postern/protocol/oauth-error'
import { type Form, required } from '../form.ts'
import { actorOf } from './delegation.ts'
import type { Grant, GrantRequest } from './grant.ts'
import { readSecurityToken, type SecurityToken, type SecurityTokenDeps, tokenTypes } from './subject-token.ts'

/**
 * A token for another one (RFC 8693): for another audience, with less scope, with the client or somebody else as actor. It
 * says no more than the subject token said, lives no longer than the tokens that it stands on, and is revoked with the
 * subject's grant.
 */
export function createTokenExchangeGrant(deps: SecurityTokenDeps): Grant {
  return {
    type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    forPublicClients: false,
    recordedAs: 'token.exchanged',
    async authorize(request) {
      const { authServer, client, form } = request
      const requested = form.get('requested_token_type') ?? tokenTypes.accessToken
      if (requested !== tokenTypes.accessToken && requested !== tokenTypes.jwt) {
        throw new OAuthError('invalid_request', 'the requested token type is not supported')
      }
      const subject = await readToken(deps, request, 'subject')
      if (!subject) throw new OAuthError('invalid_request', 'subject_token is required')
      const actorToken = await readToken(deps, request, 'actor')
      requireProof(request, subject)
      const actor = actorOf(client, authServer.issuer, subject, actorToken)
      return {
        subject: subject.subject,
        ...subject.ceilings,
        ...(actor && { actor }),
        notAfter: Math.min(subject.expiresAt, actorToken?.expiresAt ?? Number.POSITIVE_INFINITY),
        targets: form.all('audience'),
        issuedTokenType: requested,
        ...(requested === tokenTypes.jwt && { format: 'jwt' as const }),
        subjectToken: subject.claims,
      }
    },
  }
}

/** @throws OAuthError `invalid_request` for half of the parameters or an unknown type, and for a token that is not accepted */
async function readToken(
  deps: SecurityTokenDeps,
  request: GrantRequest,
  role: 'subject' | 'actor',
): Promise<SecurityToken | undefined> {
  const token = request.form.get(`${role}_token`)
  if (token === undefined && request.form.get(`${role}_token_type`) === undefined) return undefined
  const tokenType = typeIn(request.form, role)
  const read = await readSecurityToken(deps, request, required(request.form, `${role}_token`), tokenType)
  // Section 2.2.2 has invalid_request for tokens that are invalid or unacceptable.
  if (!read?.isFor(request.client)) throw new OAuthError('invalid_request', `the ${role} token is not acceptable`)
  return read
}

function typeIn(form: Form, role: 'subject' | 'actor'): string {
  const tokenType = required(form, `${role}_token_type`)
  const known: readonly string[] = Object.values(tokenTypes)
  if (!known.includes(tokenType))
    throw new OAuthError('invalid_request', `the type of the ${role} token is not supported`)
  return tokenType
}

/**
 * A subject token that is bound to a key is of use to whoever holds the key: the request must prove that, or the client be
 * one that receives such tokens from their holders, whose proofs it has verified.
 */
function requireProof({ client, confirmation }: GrantRequest, subject: SecurityToken): void {
  if (!subject.confirmation || client.settings.token_exchange?.bound_tokens) return
  if (!isProven(subject.confirmation, confirmation)) {
    throw new OAuthError('invalid_request', 'the subject token is bound to a key that the request does not prove')
  }
}

function isProven(bound: Confirmation, proven: Confirmation | undefined): boolean {
  const keys = [bound.jkt, bound['x5t#S256']]
  if (keys.every((key) => key === undefined)) return false
  return (
    (bound.jkt === undefined || bound.jkt === proven?.jkt) &&
    (bound['x5t#S256'] === undefined || bound['x5t#S256'] === proven?.['x5t#S256'])
  )
}
