/**
 * What a client says of itself when it registers (RFC 7591 section 2): read strictly, and nothing that it asks for its
 * safety passed over in silence.
 */
import { OAuthError } from '@postern/protocol/oauth-error'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { ClientSettings } from '../clients/settings.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const printable = /^[^\u0000-\u001F\u007F]+$/.source
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: printable })
const names = () => Type.Array(Text(200), { maxItems: 100, uniqueItems: true })

/** The settings of a client that it may itself make. Losing one by leaving it out would make the client less safe. */
export const RegisteredSettings = Type.Pick(ClientSettings, [
  'token_endpoint_auth_signing_alg',
  'jwks',
  'jwks_uri',
  'dpop_bound_access_tokens',
  'tls_client_certificate_bound_access_tokens',
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
])
export type RegisteredSettings = Static<typeof RegisteredSettings>

/** What describes it to people. */
export const Description = Type.Partial(
  Type.Object({
    client_name: Text(200),
    client_uri: Text(2_048),
    logo_uri: Text(2_048),
    policy_uri: Text(2_048),
    tos_uri: Text(2_048),
    contacts: Type.Array(Text(254), { maxItems: 20, uniqueItems: true }),
    software_id: Text(200),
    software_version: Text(200),
  }),
)
export type Description = Static<typeof Description>

export const ClientMetadata = Type.Partial(
  Type.Object({
    ...Description.properties,
    ...RegisteredSettings.properties,
    grant_types: names(),
    token_endpoint_auth_method: Text(100),
    scope: Type.String({ maxLength: 10_000 }),
    authorization_details_types: names(),
  }),
)
export type ClientMetadata = Static<typeof ClientMetadata>

export interface StatedMetadata {
  metadata: ClientMetadata
  /** Members that were named, also those whose value, null, takes them back (RFC 7592 section 2.2). */
  named: ReadonlySet<string>
  /** Those of them that a software statement names: they are not the client's to choose. */
  fixed: ReadonlySet<string>
}

/** Section 2 where it is left out. */
export const defaultAuthMethod = 'client_secret_basic'

/** Ours to choose, or for administrators alone: who sends them means to have them. */
const notToBeChosen: ReadonlySet<string> = new Set([
  ...Object.keys(ClientSettings.properties).filter((name) => !Object.hasOwn(ClientMetadata.properties, name)),
  'id',
  'client_id',
  'client_secret',
  'client_secret_expires_at',
  'client_id_issued_at',
  'registration_access_token',
  'registration_client_uri',
  'enabled',
  'scopes',
  'token_endpoint_auth_methods',
  'audience',
  'access_token_lifetime',
  'may_introspect',
])

/** Registered names of protections that there are not here: a client that asks for one must not believe to have it. */
const notHere: ReadonlySet<string> = new Set([
  'require_signed_request_object',
  'require_pushed_authorization_requests',
  'request_object_signing_alg',
  'introspection_signed_response_alg',
  'introspection_encrypted_response_alg',
  'introspection_encrypted_response_enc',
])

const Members = Type.Record(Type.String(), Type.Unknown())

/**
 * Reads a registration request, or the metadata of an update without what belongs to its management. Members that nobody
 * here knows are passed over (section 2).
 * @param said by the client, without its software statement
 * @param statement what that says of the client, which takes precedence (section 2.3)
 * @throws OAuthError `invalid_client_metadata`, `invalid_redirect_uri`, `invalid_software_statement`
 */
export function readMetadata(
  said: Readonly<Record<string, unknown>>,
  statement: Readonly<Record<string, unknown>> = {},
): StatedMetadata {
  const members = { ...said, ...statement }
  const stated = Object.entries(members).filter(([, value]) => value !== null)
  for (const [name, value] of stated) refuse(name, value)
  const known = stated.filter(([name]) => Object.hasOwn(ClientMetadata.properties, name))
  for (const [name, schema] of Object.entries(ClientMetadata.properties)) {
    const value = known.find(([stated]) => stated === name)?.[1]
    if (value !== undefined && !Value.Check(schema, value)) throw invalidMetadata(`${name} is malformed`)
  }
  return {
    metadata: Value.Parse(ClientMetadata, Object.fromEntries(known)),
    named: new Set(Object.keys(members)),
    fixed: new Set(Object.keys(statement)),
  }
}

/** Of all that was said, what describes the client to people. */
export function descriptionOf(metadata: ClientMetadata): Description {
  const known = Object.entries(metadata).filter(([name]) => Object.hasOwn(Description.properties, name))
  return Value.Parse(Description, Object.fromEntries(known))
}

/** @throws OAuthError `invalid_client_metadata` where the body is no object */
export function membersOf(body: unknown): Record<string, unknown> {
  if (!Value.Check(Members, body) || Array.isArray(body)) throw invalidMetadata('the body is not a JSON object')
  return body
}

export function invalidMetadata(description: string): OAuthError {
  return new OAuthError('invalid_client_metadata', description)
}

function refuse(name: string, value: unknown): void {
  if (notToBeChosen.has(name)) throw invalidMetadata(`${name} cannot be registered`)
  if (notHere.has(name) && value !== false) throw invalidMetadata(`${name} is not supported`)
  if (name === 'software_statement') {
    // The client's own has been taken out: this one stands in that, and would bind the client to nothing of what it says.
    throw new OAuthError('invalid_software_statement', 'a software statement must not hold another')
  }
  if (isEmptyList(value)) return
  // No grant here sends anybody anywhere, and a client that thinks otherwise is wrong about more than this.
  if (name === 'redirect_uris') throw new OAuthError('invalid_redirect_uri', 'no grant here uses redirect_uris')
  if (name === 'response_types') throw invalidMetadata('no response_types are supported')
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
