/** The claims that an auth server's administrators added: in access tokens, and in what introspection tells of them. */
import type { AuthorizationDetail } from '@postern/protocol/authorization-details'
import { isReservedClaim } from '@postern/protocol/reserved-claims'
import { parseScope } from '@postern/protocol/scope'
import type { Client } from '../clients/clients.ts'
import type { EventRecorder } from '../events/recorder.ts'
import type { Form } from '../form.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { CompiledClaim } from './claim.ts'
import type { ClaimSetOf } from './claim-sets.ts'
import { type ClaimContext, contextOrganization } from './context.ts'
import { ClaimError } from './errors.ts'
import { evaluateClaims, type MadeClaims, type MaybePromise, whenKnown } from './evaluate.ts'

/** A token that is about to be issued. */
export interface Issuance {
  authServer: AuthServer
  client: Client
  subject: string
  scopes: readonly string[]
  grantType: string
  form: Form
  authorizationDetails: readonly AuthorizationDetail[]
  /** The claims of the token or assertion that proved the subject. */
  subjectToken: Readonly<Record<string, unknown>> | undefined
  /** ms since the epoch */
  now: number
}

export interface TokenClaims {
  /**
   * The claims to add to the access token; undefined, at no cost, where the auth server has none.
   * @throws ClaimError where one cannot be made, also by rejection
   */
  issue(issuance: Issuance): MaybePromise<Readonly<Record<string, unknown>>> | undefined
  /**
   * A token's claims as introspection may tell them: those of ours, and of the added ones those that are listed there.
   * @param context the token's own client
   * @throws ClaimError where one cannot be made, also by rejection
   */
  introspect<Token extends { sub: string; scope?: string }>(
    context: { authServer: AuthServer; client: Client; now: number },
    token: Token,
  ): MaybePromise<Token>
}

export function createTokenClaims(claimSetOf: ClaimSetOf, events: Pick<EventRecorder, 'record'>): TokenClaims {
  const make = (authServer: AuthServer, claims: readonly CompiledClaim[], context: ClaimContext) => {
    const about = { client_id: context.client.id, subject: context.subject }
    const tell = (claim: string, reason: string, omitted: boolean) =>
      events.record(authServer.id, { type: 'claim.failed', ...about, claim, reason, omitted })
    const done = ({ claims: made, omitted }: MadeClaims) => {
      for (const { name, reason } of omitted) tell(name, reason, true)
      return made
    }
    const fail = (error: unknown): never => {
      if (error instanceof ClaimError) tell(error.claim, error.reason, false)
      throw error
    }
    try {
      const making = evaluateClaims(claims, claimSetOf(authServer).sources, context)
      return making instanceof Promise ? making.then(done, fail) : done(making)
    } catch (error) {
      return fail(error)
    }
  }

  return {
    issue(issuance) {
      const claims = claimSetOf(issuance.authServer).claims.access_token
      return claims.length === 0 ? undefined : make(issuance.authServer, claims, issuanceContext(issuance))
    },
    introspect(context, token) {
      const { repeated, made } = claimSetOf(context.authServer).introspection
      const told = withoutUnlisted(token, repeated)
      if (made.length === 0) return told
      const making = make(context.authServer, made, introspectionContext(context, token))
      return whenKnown(making, (claims) => ({ ...claims, ...told }))
    },
  }
}

/** What is not reserved was added. Nothing is copied where there is nothing to hide. */
function withoutUnlisted<Token extends object>(token: Token, listed: ReadonlySet<string>): Token {
  const unlisted = Object.keys(token).filter((name) => !isReservedClaim(name) && !listed.has(name))
  if (unlisted.length === 0) return token
  const told = { ...token }
  for (const name of unlisted) Reflect.deleteProperty(told, name)
  return told
}

function issuanceContext(issuance: Issuance): ClaimContext {
  const { form, authorizationDetails, subjectToken } = issuance
  return {
    ...commonContext(issuance),
    subject: issuance.subject,
    scopes: issuance.scopes,
    grant: issuance.grantType,
    request: {
      resource: form.all('resource'),
      audience: form.all('audience'),
      authorization_details: authorizationDetails,
    },
    subject_token: subjectToken ?? null,
  }
}

/** Saving claims has made sure that none of these names what the token does not tell. */
function introspectionContext(
  context: { authServer: AuthServer; client: Client; now: number },
  { sub, scope }: { sub: string; scope?: string },
): ClaimContext {
  const scopes = scope === undefined ? [] : (parseScope(scope) ?? [])
  return { ...commonContext(context), subject: sub, scopes, grant: '', request: null, subject_token: null }
}

function commonContext({ authServer, client, now }: { authServer: AuthServer; client: Client; now: number }) {
  return {
    organization: contextOrganization(authServer.claims?.organizationPath ?? []),
    auth_server: { id: authServer.id, issuer: authServer.issuer, name: authServer.name },
    client: { id: client.id, name: client.name },
    now: new Date(now),
  }
}
