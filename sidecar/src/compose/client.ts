/** The sidecar as a client at somebody's endpoint, from its configuration. */
import type { ClientAuthConfig } from '../config/schema/client-auth.ts'
import type { SecretSource } from '../config/schema/parts.ts'
import { createOAuthClient, type OAuthClient } from '../remote/client-auth/client.ts'
import { methods } from '../remote/client-auth/list.ts'
import { readSharedKey, readSigningKey } from '../remote/signing/signing-key.ts'
import { composeHttp } from './http.ts'
import type { Toolkit } from './toolkit.ts'

/**
 * @param name of the endpoint, for the log
 * @param issuer identifier of the server, which assertions are for unless the configuration says otherwise
 */
export function composeClient(
  name: string,
  config: ClientAuthConfig,
  issuer: string | undefined,
  toolkit: Toolkit,
): OAuthClient {
  const { changingSecret, now } = toolkit
  const { key, kid, algorithm, audience = issuer, lifetime = 60 } = config.client_assertion ?? {}
  const secretOf = <Value>(source: SecretSource | undefined, member: string, parse: (text: string) => Value) =>
    changingSecret(`${name} ${member}`, [required(source, member)], ([text = '']) => parse(text))

  const method = methods[config.client_auth]({
    clientId: config.client_id,
    secret: () => secretOf(config.client_secret, 'client_secret', (text) => text),
    sharedKey: () => secretOf(config.client_secret, 'client_secret', (text) => readSharedKey(text, algorithm)),
    privateKey: () => secretOf(key, 'client_assertion.key', (text) => readSigningKey(text, { algorithm, kid })),
    // Methods without an assertion do not read it.
    assertion: { audience: audience ?? '', lifetime },
    now,
  })
  return createOAuthClient({ method, ...composeHttp(name, config.tls, toolkit) })
}

/** The checks of the configuration (config/checks/client-auth.ts) leave nothing to find here. */
function required<T>(value: T | undefined, member: string): T {
  if (value === undefined) throw new Error(`${member} is missing`)
  return value
}
