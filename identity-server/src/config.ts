/** What the operator sets, from environment variables: parsed once, refused with the variable's name and the reason. */
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { clientIdPattern } from './clients/clients.ts'
import { parseNetworks } from './networks.ts'

const Port = (port: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: port, description })

const File = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

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
  POSTERN_EVENT_RETENTION_DAYS: Type.Integer({
    minimum: 1,
    maximum: 3_650,
    default: 30,
    description: 'Days that events are kept',
  }),
  POSTERN_AUDIT_RETENTION_DAYS: Type.Integer({
    minimum: 1,
    maximum: 36_500,
    default: 400,
    description: 'Days that entries of the audit log are kept',
  }),
  POSTERN_INTROSPECTION_EVENT_SAMPLE: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 0.01,
    description: 'Share of introspections that are recorded as events, from 0 to 1; all of them are counted',
  }),
  POSTERN_MTLS_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description: 'Port where TLS ends here and client certificates are asked for (RFC 8705)',
    }),
  ),
  POSTERN_TLS_CERT_FILE: File('PEM file of the certificate of that port, with its chain'),
  POSTERN_TLS_KEY_FILE: File('PEM file of its key'),
  POSTERN_MTLS_CLIENT_CA_FILE: File('PEM file of the authorities whose client certificates tls_client_auth accepts'),
  POSTERN_MTLS_PUBLIC_ORIGIN: Type.Optional(
    Type.String({
      pattern: '^https://[^/?#@\\s]+$',
      description: 'Scheme and authority under which clients reach that port, or a proxy that asks for certificates',
    }),
  ),
  POSTERN_TRUSTED_PROXIES: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'Comma-separated addresses and networks of proxies whose Client-Cert header counts (RFC 9440)',
    }),
  ),
  POSTERN_TRUSTED_PROXIES_VERIFY: Type.Boolean({
    default: false,
    description: 'Whether those proxies pass on only certificates whose chain they verified: true or false',
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
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'POSTERN_PUBLIC_ORIGIN', 'POSTERN_MTLS_PUBLIC_ORIGIN'] as const) {
    const url = environment[name]
    // Refused here, because an error of whoever parses it later would show it with its password.
    if (url !== undefined && !URL.canParse(url)) throw new ConfigError(`${name} is not a URL`)
  }
  if (environment.DATABASE_URL && !environment.POSTERN_MASTER_KEYS) {
    // A key made up here would be lost with this machine, and the database with it.
    throw new ConfigError('POSTERN_MASTER_KEYS is required with DATABASE_URL')
  }
  checkMtls(environment)
  return environment
}

/** @throws ConfigError for what would only be found out by the clients that cannot show their certificates */
function checkMtls(environment: Environment): void {
  const { POSTERN_MTLS_PORT: port, POSTERN_TRUSTED_PROXIES: proxies } = environment
  for (const name of ['POSTERN_TLS_CERT_FILE', 'POSTERN_TLS_KEY_FILE', 'POSTERN_MTLS_PUBLIC_ORIGIN'] as const) {
    if (port !== undefined && environment[name] === undefined) {
      throw new ConfigError(`${name} is required with POSTERN_MTLS_PORT`)
    }
  }
  for (const name of ['POSTERN_TLS_CERT_FILE', 'POSTERN_TLS_KEY_FILE', 'POSTERN_MTLS_CLIENT_CA_FILE'] as const) {
    if (port === undefined && environment[name] !== undefined) throw new ConfigError(`${name} needs POSTERN_MTLS_PORT`)
  }
  if (proxies !== undefined && !parseNetworks(proxies)) {
    throw new ConfigError('POSTERN_TRUSTED_PROXIES is no list of addresses and networks')
  }
  if (proxies === undefined && environment.POSTERN_TRUSTED_PROXIES_VERIFY) {
    throw new ConfigError('POSTERN_TRUSTED_PROXIES_VERIFY needs POSTERN_TRUSTED_PROXIES')
  }
  if (port === undefined && proxies === undefined && environment.POSTERN_MTLS_PUBLIC_ORIGIN !== undefined) {
    throw new ConfigError('POSTERN_MTLS_PUBLIC_ORIGIN needs POSTERN_MTLS_PORT or POSTERN_TRUSTED_PROXIES')
  }
}

/** What is not of the type stays text, and the schema refuses it. */
function parseValue(type: unknown, value: string): string | number | boolean {
  if (type === 'integer' && /^\d+$/.test(value)) return Number(value)
  if (type === 'number' && /^\d+(\.\d+)?$/.test(value)) return Number(value)
  if (type === 'boolean' && /^(true|false)$/.test(value)) return value === 'true'
  return value
}
