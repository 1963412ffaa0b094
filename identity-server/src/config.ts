/** What the operator sets, from environment variables: parsed once, refused with the variable's name and the reason. */
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { clientIdPattern } from './clients/clients.ts'

const Port = (port: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: port, description })

/** The variables, with their defaults; docs/configuration of the identity server is this list. */
export const Environment = Type.Object({
  POSTERN_HOST: Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address to listen on' }),
  POSTERN_PORT: Port(4000, 'Port of the OAuth endpoints and the admin API; 0 picks a free one'),
  POSTERN_OPERATIONS_HOST: Type.String({
    minLength: 1,
    default: '127.0.0.1',
    description: 'Address of the operations port',
  }),
  POSTERN_OPERATIONS_PORT: Port(4001, 'Port of /healthz, /readyz and /metrics; 0 picks a free one'),
  POSTERN_PUBLIC_ORIGIN: Type.Optional(
    Type.String({
      pattern: '^https?://[^/?#@\\s]+$',
      description: 'Scheme and authority that clients use: issuers begin with it. Default: the address listened on',
    }),
  ),
  DATABASE_URL: Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://',
      description: 'PostgreSQL 15 or newer. Default: embedded, in the data folder',
    }),
  ),
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://',
      description: 'Redis 6.2 or newer, where several replicas shall remember used assertions. Default: the database',
    }),
  ),
  POSTERN_REDIS_CLUSTER: Type.Boolean({
    default: false,
    description: 'Whether REDIS_URL names a node of a Redis Cluster: true or false',
  }),
  POSTERN_DATA_DIR: Type.String({ minLength: 1, default: '.postern', description: 'Data folder' }),
  POSTERN_MASTER_KEYS: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_-]{43}(,[A-Za-z0-9_-]{43})*$',
      description: 'Comma-separated master keys, each 32 bytes in base64url. Required with DATABASE_URL',
    }),
  ),
  POSTERN_ADMIN_CLIENT_ID: Type.String({
    pattern: clientIdPattern,
    default: 'postern-admin',
    description: 'The first client of the system auth server, made at the first start',
  }),
  POSTERN_ADMIN_CLIENT_SECRET: Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7E]{32,256}$',
      description:
        'Its secret, 32 to 256 characters. Default: made up, and written to admin-client.env in the data folder',
    }),
  ),
  POSTERN_OUTGOING_PRIVATE: Type.Boolean({
    default: false,
    description: 'Whether URLs of tenants may lead to private addresses, and by http to this machine: true or false',
  }),
  POSTERN_OUTGOING_CA_FILE: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'PEM file of certificates to trust for URLs of tenants, beside the usual ones',
    }),
  ),
  POSTERN_INTROSPECTION_EVENT_SAMPLE: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 0.01,
    description: 'Share of introspections that are recorded as events, from 0 to 1; all of them are counted',
  }),
  POSTERN_LOG_LEVEL: Type.Union(
    ['fatal', 'error', 'warn', 'info', 'debug', 'silent'].map((level) => Type.Literal(level)),
    { default: 'info', description: 'Least severe level that is logged' },
  ),
})
export type Environment = Static<typeof Environment>

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * @param variables as of `process.env`; empty ones count as not set
 * @throws ConfigError naming each variable that is wrong, and why; never its value, which may be a secret
 */
export function parseEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const set = Object.entries(Environment.properties).flatMap(([name, schema]) => {
    const value = variables[name]
    if (!value) return []
    return [[name, parseValue('type' in schema ? schema.type : undefined, value)]]
  })
  const environment: unknown = Value.Default(Environment, Object.fromEntries(set))
  if (!Value.Check(Environment, environment)) {
    const problems = Value.Errors(Environment, environment).map(
      (error) => `${error.instancePath.slice(1)} ${error.message}`,
    )
    throw new ConfigError([...new Set(problems)].join('\n'))
  }
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'POSTERN_PUBLIC_ORIGIN'] as const) {
    const url = environment[name]
    // Refused here, because an error of whoever parses it later would show it with its password.
    if (url !== undefined && !URL.canParse(url)) throw new ConfigError(`${name} is not a URL`)
  }
  if (environment.DATABASE_URL && !environment.POSTERN_MASTER_KEYS) {
    // A key made up here would be lost with this machine, and the database with it.
    throw new ConfigError('POSTERN_MASTER_KEYS is required with DATABASE_URL')
  }
  return environment
}

/** What is not of the type stays text, and the schema refuses it. */
function parseValue(type: unknown, value: string): string | number | boolean {
  if (type === 'integer' && /^\d+$/.test(value)) return Number(value)
  if (type === 'number' && /^\d+(\.\d+)?$/.test(value)) return Number(value)
  if (type === 'boolean' && /^(true|false)$/.test(value)) return value === 'true'
  return value
}
