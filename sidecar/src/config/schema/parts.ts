/** What the sections of the schema are made of. Members are spelled in snake case. Seconds unless a name says otherwise. */
import Type, { type Static, type TSchema } from 'typebox'

/** A member with a default is always there once the file is loaded. */
export const object = <Properties extends Record<string, TSchema>>(properties: Properties, description?: string) =>
  Type.Object(properties, { additionalProperties: false, ...(description && { description }) })

/** An object that may be left out as a whole, since all of its members have defaults. */
export const section = <Properties extends Record<string, TSchema>>(properties: Properties, description: string) =>
  Type.Object(properties, { additionalProperties: false, default: {}, description })

export const seconds = (fallback: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: fallback, minimum, maximum, description: `${description}, in seconds` })

export const milliseconds = (fallback: number, description: string) =>
  Type.Integer({ default: fallback, minimum: 10, maximum: 60_000, description: `${description}, in milliseconds` })

const name = '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'

export const named = <Schema extends TSchema>(schema: Schema, description: string) =>
  Type.Record(Type.String({ pattern: name }), schema, { description, additionalProperties: false })

export const Url = Type.String({ pattern: '^https?://[^\\s/?#]+[^\\s#]*$', maxLength: 2_000 })
export const Address = Type.String({ pattern: '^(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9.-]+):\\d{1,5}$' })
export const HeaderName = Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", maxLength: 100 })
export const ScopeToken = Type.String({ pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$' })

export const SecretSource = Type.Object(
  {
    env: Type.Optional(Type.String({ minLength: 1, description: 'Name of an environment variable' })),
    file: Type.Optional(
      Type.String({ minLength: 1, description: 'Path of a file; a line break at its end is ignored' }),
    ),
    value: Type.Optional(Type.String({ minLength: 1, description: 'The secret itself: for tests only' })),
  },
  { additionalProperties: false, minProperties: 1, maxProperties: 1, description: 'Where a secret is read from' },
)
export type SecretSource = Static<typeof SecretSource>

export const asymmetricAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519',
] as const
