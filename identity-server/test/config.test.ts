import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { ConfigError, Environment, parseEnvironment } from '../src/config.ts'
import { generateMasterKey } from '../src/keys/master-keys.ts'

const database = 'postgres://user:database-password@127.0.0.1/postern'

describe('the environment', () => {
  test('has defaults for everything', () => {
    expect(parseEnvironment({})).toEqual({
      POSTERN_HOST: '127.0.0.1',
      POSTERN_PORT: 4000,
      POSTERN_OPERATIONS_HOST: '127.0.0.1',
      POSTERN_OPERATIONS_PORT: 4001,
      POSTERN_REDIS_CLUSTER: false,
      POSTERN_DATA_DIR: '.postern',
      POSTERN_ADMIN_CLIENT_ID: 'postern-admin',
      POSTERN_OUTGOING_PRIVATE: false,
      POSTERN_EVENT_RETENTION_DAYS: 30,
      POSTERN_AUDIT_RETENTION_DAYS: 400,
      POSTERN_INTROSPECTION_EVENT_SAMPLE: 0.01,
      POSTERN_TRUSTED_PROXIES_VERIFY: false,
      POSTERN_LOG_LEVEL: 'info',
    })
  })

  test('takes what is set, an empty variable as not set, and ignores what it does not know', () => {
    const keys = `${generateMasterKey()},${generateMasterKey()}`
    const environment = parseEnvironment({
      POSTERN_PORT: '0',
      POSTERN_HOST: '',
      POSTERN_PUBLIC_ORIGIN: 'https://id.example.com:8443',
      DATABASE_URL: database,
      POSTERN_MASTER_KEYS: keys,
      HOME: '/home/x',
    })
    expect(environment).toMatchObject({
      POSTERN_PORT: 0,
      POSTERN_HOST: '127.0.0.1',
      POSTERN_PUBLIC_ORIGIN: 'https://id.example.com:8443',
      DATABASE_URL: database,
      POSTERN_MASTER_KEYS: keys,
    })
    expect(environment).not.toHaveProperty('HOME')
  })

  const wrong: [name: string, value: string][] = [
    ['POSTERN_PORT', 'abc-value'],
    ['POSTERN_PORT', '65536'],
    ['POSTERN_PORT', '-1'],
    ['POSTERN_PORT', '4000.5'],
    ['POSTERN_PORT', '0x10'],
    ['POSTERN_OPERATIONS_PORT', '99999'],
    ['POSTERN_PUBLIC_ORIGIN', 'ftp://id.example.com'],
    ['POSTERN_PUBLIC_ORIGIN', 'https://id.example.com/'],
    ['POSTERN_PUBLIC_ORIGIN', 'https://id.example.com/path'],
    ['POSTERN_PUBLIC_ORIGIN', 'https://user:hidden@id.example.com'],
    ['POSTERN_PUBLIC_ORIGIN', 'https://id.example.com:port'],
    ['DATABASE_URL', 'mysql://hidden@host/db'],
    ['DATABASE_URL', 'postgres://user:hidden@host:notaport/db'],
    ['REDIS_URL', 'http://hidden@host'],
    ['REDIS_URL', 'redis://user:hidden@host:notaport'],
    ['POSTERN_REDIS_CLUSTER', 'yes'],
    ['POSTERN_MASTER_KEYS', 'hidden'],
    ['POSTERN_MASTER_KEYS', `${generateMasterKey()},`],
    ['POSTERN_MASTER_KEYS', `${generateMasterKey()};${generateMasterKey()}`],
    ['POSTERN_EVENT_RETENTION_DAYS', '0'],
    ['POSTERN_AUDIT_RETENTION_DAYS', '30d'],
    ['POSTERN_INTROSPECTION_EVENT_SAMPLE', '1.1'],
    ['POSTERN_INTROSPECTION_EVENT_SAMPLE', '-1'],
    ['POSTERN_INTROSPECTION_EVENT_SAMPLE', '5%'],
    ['POSTERN_OUTGOING_PRIVATE', 'yes'],
    ['POSTERN_OUTGOING_PRIVATE', '1'],
    ['POSTERN_OUTGOING_PRIVATE', 'TRUE'],
    ['POSTERN_ADMIN_CLIENT_ID', 'with space'],
    ['POSTERN_ADMIN_CLIENT_SECRET', 'hidden-but-short'],
    ['POSTERN_ADMIN_CLIENT_SECRET', 'hidden with spaces, but long enough for it'],
    ['POSTERN_MTLS_PORT', '65536'],
    ['POSTERN_MTLS_PUBLIC_ORIGIN', 'http://mtls.example.com'],
    ['POSTERN_MTLS_PUBLIC_ORIGIN', 'https://mtls.example.com/path'],
    ['POSTERN_TRUSTED_PROXIES', 'proxy.example.com'],
    ['POSTERN_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['POSTERN_TRUSTED_PROXIES_VERIFY', 'always'],
    ['POSTERN_LOG_LEVEL', 'verbose'],
  ]
  test.each(wrong)('refuses a wrong %s, without showing it', (name, value) => {
    const variables = { DATABASE_URL: '', POSTERN_MASTER_KEYS: generateMasterKey(), [name]: value }
    let message = ''
    try {
      parseEnvironment(variables)
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      message = String(error)
    }
    expect(message).toContain(name)
    expect(message).not.toContain(value)
  })

  test('names everything that is wrong at once', () => {
    expect(() => parseEnvironment({ POSTERN_PORT: 'x', POSTERN_LOG_LEVEL: 'x' })).toThrow(
      /POSTERN_PORT.*POSTERN_LOG_LEVEL/s,
    )
  })

  test('asks for master keys where the database is a server', () => {
    expect(() => parseEnvironment({ DATABASE_URL: database })).toThrow(
      'POSTERN_MASTER_KEYS is required with DATABASE_URL',
    )
  })

  test.each<[string, Record<string, string>]>([
    ['POSTERN_TLS_CERT_FILE is required with POSTERN_MTLS_PORT', { POSTERN_MTLS_PORT: '1' }],
    ['POSTERN_TLS_KEY_FILE is required', { POSTERN_MTLS_PORT: '1', POSTERN_TLS_CERT_FILE: 'a' }],
    [
      'POSTERN_MTLS_PUBLIC_ORIGIN is required',
      { POSTERN_MTLS_PORT: '1', POSTERN_TLS_CERT_FILE: 'a', POSTERN_TLS_KEY_FILE: 'b' },
    ],
    ['POSTERN_MTLS_CLIENT_CA_FILE needs POSTERN_MTLS_PORT', { POSTERN_MTLS_CLIENT_CA_FILE: 'a' }],
    ['POSTERN_TRUSTED_PROXIES_VERIFY needs POSTERN_TRUSTED_PROXIES', { POSTERN_TRUSTED_PROXIES_VERIFY: 'true' }],
    ['POSTERN_MTLS_PUBLIC_ORIGIN needs', { POSTERN_MTLS_PUBLIC_ORIGIN: 'https://mtls.example.com' }],
  ])('asks for what belongs together: %s', (message, variables) => {
    expect(() => parseEnvironment(variables)).toThrow(message)
  })

  test('is described in the README, variable by variable', async () => {
    const text = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const readme = text.replaceAll(/ +/g, ' ')
    for (const [name, schema] of Object.entries(Environment.properties)) {
      const standard = 'default' in schema ? ` \`${schema.default}\`` : ''
      const description = 'description' in schema ? schema.description : ''
      expect(readme).toContain(`| \`${name}\` |${standard} | ${description} |`)
    }
    const listed = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name)
    expect(listed).toEqual(Object.keys(Environment.properties))
  })
})
