/** What the admin API answers with, as far as its clients rely on it. Members that are not named here may come too. */
import Type, { type Static } from 'typebox'

const times = { created_at: Type.String(), updated_at: Type.String() }
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const Organization = Type.Object({
  id: Type.String(),
  parent_id: nullable(Type.String()),
  name: Type.String(),
  ...times,
})
export type Organization = Static<typeof Organization>

export const AuthServer = Type.Object({
  id: Type.String(),
  organization_id: Type.String(),
  issuer: Type.String(),
  name: Type.String(),
  description: Type.String(),
  audience: Type.String(),
  access_token_lifetime: Type.Integer(),
  signing_algorithm: Type.String(),
  /** Seconds. Null: its keys rotate only when told to. */
  key_rotation_interval: nullable(Type.Integer()),
  ...times,
})
export type AuthServer = Static<typeof AuthServer>

export const SigningKey = Type.Object({
  kid: Type.String(),
  algorithm: Type.String(),
  state: Type.Union([Type.Literal('next'), Type.Literal('active'), Type.Literal('retired')]),
  /** The public key. */
  jwk: Type.Record(Type.String(), Type.String()),
  activates_at: Type.String(),
  retired_at: nullable(Type.String()),
  removes_at: nullable(Type.String()),
  ...times,
})
export type SigningKey = Static<typeof SigningKey>

export const Scope = Type.Object({
  name: Type.String(),
  description: Type.String(),
  is_default: Type.Boolean(),
  include_in_metadata: Type.Boolean(),
  ...times,
})
export type Scope = Static<typeof Scope>

export const Client = Type.Object({
  id: Type.String(),
  name: Type.String(),
  enabled: Type.Boolean(),
  grant_types: Type.Array(Type.String()),
  token_endpoint_auth_methods: Type.Array(Type.String()),
  scopes: Type.Array(Type.String()),
  audience: nullable(Type.String()),
  access_token_lifetime: nullable(Type.Integer()),
  may_introspect: Type.Boolean(),
  ...times,
})
export type Client = Static<typeof Client>

export const ClientSecret = Type.Object({
  id: Type.String(),
  name: Type.String(),
  expires_at: nullable(Type.String()),
  ...times,
})
export type ClientSecret = Static<typeof ClientSecret>

/** The answer to a secret's creation, the only one that holds the secret. */
export const CreatedClientSecret = Type.Object({ ...ClientSecret.properties, secret: Type.String() })
export type CreatedClientSecret = Static<typeof CreatedClientSecret>

/** A problem (RFC 9457) with the stable code that the admin API gives it. */
export const ProblemBody = Type.Object({ code: Type.String(), detail: Type.String() })
