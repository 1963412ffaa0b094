import Type, { type Static } from 'typebox'
import { Address, milliseconds, object, SecretSource } from './parts.ts'

export const Redis = object(
  {
    topology: Type.Enum(['single', 'sentinel', 'cluster'], { default: 'single' }),
    nodes: Type.Array(Address, {
      minItems: 1,
      maxItems: 32,
      description: 'The server; or, of Sentinel or a cluster, those to begin with',
    }),
    sentinel_name: Type.Optional(Type.String({ minLength: 1, description: 'What Sentinel calls the server' })),
    username: Type.Optional(Type.String({ minLength: 1 })),
    password: Type.Optional(SecretSource),
    sentinel_password: Type.Optional(SecretSource),
    tls: Type.Boolean({ default: false }),
    encryption_secret: {
      ...SecretSource,
      description: 'At least 32 characters, the same for all sidecars: values are encrypted with it, keys hashed',
    },
    key_prefix: Type.String({ default: 'postern:sidecar:', pattern: '^[\\x21-\\x7A]{0,64}$' }),
    timeout_ms: milliseconds(100, 'Deadline of a command: an answer that takes longer is worth nothing'),
  },
  'Redis, that several sidecars share: what is introspected and fetched by one serves all, and proofs are used once',
)
export type RedisConfig = Static<typeof Redis>
