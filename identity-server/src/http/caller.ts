/** What every OAuth endpoint does first: find the auth server of the path, read the form, authenticate the client. */
import { OAuthError } from '@postern/protocol/oauth-error'
import { Problem } from '../admin/problem.ts'
import type { AuthenticateClient, AuthenticatedClient } from '../client-auth/authenticate.ts'
import { emptyForm, type Form } from '../form.ts'
import type { KeyRing } from '../keys/signing-keys.ts'
import type { ClientCertificate, ReadCertificate } from '../sender-constraint/certificate.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import { type AuthServer, authServerIdPattern } from '../tenancy/auth-servers.ts'
import type { FormRequest } from './form-endpoint.ts'

export interface IssuerLookups {
  authServers: CachedLookup<AuthServer>
  keyRings: CachedLookup<KeyRing>
  authenticateClient: AuthenticateClient
  readCertificate: ReadCertificate
}

export interface Issuer {
  authServer: AuthServer
  keys: KeyRing
}

export interface Caller extends Issuer, AuthenticatedClient {
  form: Form
  certificate: ClientCertificate | undefined
}

const authServerId = new RegExp(authServerIdPattern)

/** @throws Problem `not_found` where the path names no auth server; StoreError */
export async function findIssuer(lookups: IssuerLookups, request: FormRequest): Promise<Issuer> {
  const id = authServerOf(request)
  const authServer = authServerId.test(id) ? await lookups.authServers.get(id) : undefined
  const keys = authServer && (await lookups.keyRings.get(id))
  if (!authServer || !keys) throw new Problem('not_found', 'there is no such auth server')
  return { authServer, keys }
}

/** @throws Problem, OAuthError, StoreError */
export async function authenticateCaller(lookups: IssuerLookups, request: FormRequest): Promise<Caller> {
  const issuer = await findIssuer(lookups, request)
  const form = request.form ?? emptyForm
  const certificate = lookups.readCertificate(request.raw)
  return { ...issuer, form, certificate, ...(await authenticateByForm(lookups, issuer, request, form, certificate)) }
}

/** As `authenticateCaller`; a client that only names itself is refused. */
export async function authenticateConfidential(lookups: IssuerLookups, request: FormRequest): Promise<Caller> {
  const caller = await authenticateCaller(lookups, request)
  if (caller.isPublic) throw new OAuthError('invalid_client', 'client authentication is required')
  return caller
}

/** @throws OAuthError; StoreError */
export function authenticateByForm(
  lookups: IssuerLookups,
  { authServer }: Issuer,
  request: FormRequest,
  form: Form,
  certificate = lookups.readCertificate(request.raw),
): Promise<AuthenticatedClient> {
  refuseQuery(request)
  refuseRepeatedAuthorization(request)
  return lookups.authenticateClient(authServer, { authorization: request.headers.authorization, form, certificate })
}

/** What the path names; empty where the route has no such parameter. */
function authServerOf({ params }: FormRequest): string {
  const named = typeof params === 'object' && params !== null && 'auth_server' in params
  return named ? String(params.auth_server) : ''
}

/** Parameters belong into the body (RFC 6749 sections 2.3.1, 3.2): URLs end up in logs. */
export function refuseQuery(request: FormRequest): void {
  if (request.url.includes('?')) throw new OAuthError('invalid_request', 'parameters belong into the body')
}

/** Node.js keeps only the first of several Authorization headers; whoever stands before us may have read another. */
export function refuseRepeatedAuthorization({ headers, raw }: FormRequest): void {
  if (headers.authorization === undefined) return
  // Not by `headersDistinct`: asked for that, Node.js sorts all headers anew.
  const names = raw.rawHeaders.filter((_, index) => index % 2 === 0)
  const repeated = names.filter((name) => name.length === authorization.length && name.toLowerCase() === authorization)
  if (repeated.length > 1) throw new OAuthError('invalid_request', 'the Authorization header is repeated')
}

const authorization = 'authorization'
