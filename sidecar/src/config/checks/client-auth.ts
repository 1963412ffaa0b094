import {
  type ClientAuthConfig,
  type ClientAuthMethodName,
  symmetricAlgorithms,
  type TlsConfig,
} from '../schema/client-auth.ts'
import type { Config } from '../schema.ts'
import type { PathProblem } from './check.ts'

const withSecret: readonly ClientAuthMethodName[] = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt']
const withAssertion: readonly ClientAuthMethodName[] = ['client_secret_jwt', 'private_key_jwt']
const withCertificate: readonly ClientAuthMethodName[] = ['tls_client_auth', 'self_signed_tls_client_auth']

/** A method that lacks its secret cannot work, and a secret that is never used was meant for something. */
export function clientSecretFitsMethod(config: Config): PathProblem[] {
  return clients(config).flatMap(({ path, client }) => {
    const needed = withSecret.includes(client.client_auth)
    if (needed && !client.client_secret) {
      return [{ path, reason: `client_secret is required by ${client.client_auth}` }]
    }
    if (needed || !client.client_secret) return []
    return [{ path: [...path, 'client_secret'], reason: `is not used by ${client.client_auth}` }]
  })
}

/** As above, of the assertion and its private key. */
export function clientAssertionFitsMethod(config: Config): PathProblem[] {
  return clients(config).flatMap(({ path, client: { client_auth, client_assertion } }) => {
    const assertionPath = [...path, 'client_assertion']
    if (client_auth === 'private_key_jwt' && !client_assertion?.key) {
      return [{ path, reason: 'client_assertion.key is required by private_key_jwt' }]
    }
    if (!client_assertion) return []
    if (!withAssertion.includes(client_auth)) return [{ path: assertionPath, reason: `is not used by ${client_auth}` }]
    const { key, algorithm } = client_assertion
    const symmetric = client_auth === 'client_secret_jwt'
    const keyless =
      symmetric && key ? [{ path: [...assertionPath, 'key'], reason: `is not used by ${client_auth}` }] : []
    if (algorithm === undefined || isSymmetric(algorithm) === symmetric) return keyless
    return [...keyless, { path: [...assertionPath, 'algorithm'], reason: `is none of ${client_auth}` }]
  })
}

/** An assertion that names the wrong server could be used at another one in our name. */
export function clientAssertionHasAudience(config: Config): PathProblem[] {
  return clients(config).flatMap(({ path, client, issuerKnown }) => {
    const named = issuerKnown || client.client_assertion?.audience !== undefined
    if (named || !withAssertion.includes(client.client_auth)) return []
    return [{ path, reason: `issuer or client_assertion.audience is required by ${client.client_auth}` }]
  })
}

export function certificateFitsMethod(config: Config): PathProblem[] {
  return clients(config).flatMap(({ path, client, issuerTls }) =>
    withCertificate.includes(client.client_auth) && !(client.tls ?? issuerTls)?.certificate
      ? [{ path, reason: `tls.certificate is required by ${client.client_auth}` }]
      : [],
  )
}

export function certificateHasKey(config: Config): PathProblem[] {
  const ofIssuers = Object.entries(config.issuers).flatMap(([name, { tls, revocation_feed }]) => [
    { path: ['issuers', name, 'tls'], tls },
    { path: ['issuers', name, 'revocation_feed', 'tls'], tls: revocation_feed?.tls },
  ])
  const ofClients = clients(config).map(({ path, client: { tls } }) => ({ path: [...path, 'tls'], tls }))
  return [...ofClients, ...ofIssuers].flatMap(({ path, tls }) =>
    Boolean(tls?.certificate) === Boolean(tls?.key) ? [] : [{ path, reason: 'certificate and key belong together' }],
  )
}

interface ConfiguredClient {
  path: string[]
  client: ClientAuthConfig
  /** Whether the identifier of the server is known. */
  issuerKnown: boolean
  /** Of the issuer, where the client has none of its own. */
  issuerTls?: TlsConfig | undefined
}

/** Wherever the sidecar is a client by any method. */
function clients({ issuers, upstreams }: Config): ConfiguredClient[] {
  return [
    ...Object.entries(issuers).flatMap(([name, { introspection, tls }]) =>
      introspection
        ? [{ path: ['issuers', name, 'introspection'], client: introspection, issuerKnown: true, issuerTls: tls }]
        : [],
    ),
    ...Object.entries(upstreams).map(([name, client]) => ({
      path: ['upstreams', name],
      client,
      issuerKnown: client.issuer !== undefined,
    })),
  ]
}

function isSymmetric(algorithm: string): boolean {
  return symmetricAlgorithms.some((symmetric) => symmetric === algorithm)
}
