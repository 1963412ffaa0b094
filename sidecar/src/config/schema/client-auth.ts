/** How the sidecar says who it is at somebody's endpoint: introspection, the revocation feed, token endpoints. */
import Type, { type Static } from 'typebox'
import { asymmetricAlgorithms, object, SecretSource, seconds } from './parts.ts'

export const clientAuthMethods = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const
export type ClientAuthMethodName = (typeof clientAuthMethods)[number]

export const symmetricAlgorithms = ['HS256', 'HS384', 'HS512'] as const

const ClientAssertion = object(
  {
    key: Type.Optional({ ...SecretSource, description: 'The private key of private_key_jwt, as PEM or JWK' }),
    kid: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: "Default: that of the JWK's" })),
    algorithm: Type.Optional(
      Type.Enum([...asymmetricAlgorithms, ...symmetricAlgorithms], {
        description: 'Default: the usual one for the key; HS256 for client_secret_jwt',
      }),
    ),
    audience: Type.Optional(
      Type.String({ minLength: 1, maxLength: 2_000, description: 'Default: the issuer identifier' }),
    ),
    lifetime: seconds(60, 10, 600, 'From its making to its expiry'),
  },
  'The assertion of private_key_jwt and client_secret_jwt (RFC 7523 section 2.2)',
)

export const Tls = object(
  {
    certificate: Type.Optional({ ...SecretSource, description: 'The client certificate, with its chain, as PEM' }),
    key: Type.Optional({ ...SecretSource, description: 'Its private key, as PEM' }),
    ca: Type.Optional({ ...SecretSource, description: "Who vouches for the server, in place of the system's, as PEM" }),
  },
  'Connections to the endpoint (RFC 8705 for the client certificate)',
)
export type TlsConfig = Static<typeof Tls>

/** A client that authenticates in a header alone: the body is not a form. */
export const headerClientAuth = {
  client_id: Type.String({ minLength: 1, maxLength: 256 }),
  client_secret: SecretSource,
  tls: Type.Optional(Tls),
}

/** A client that authenticates by any method. Which members a method needs is among the checks. */
export const clientAuth = {
  client_id: Type.String({ minLength: 1, maxLength: 256 }),
  client_auth: Type.Enum(clientAuthMethods, { default: 'client_secret_basic' }),
  client_secret: Type.Optional(SecretSource),
  client_assertion: Type.Optional(ClientAssertion),
  tls: Type.Optional(Tls),
}

const ClientAuth = object(clientAuth)
export type ClientAuthConfig = Static<typeof ClientAuth>
