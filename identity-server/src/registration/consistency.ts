/** What the members of a registration must be beside each other. Each answers with what is wrong, in words that may be shown. */
import { publicMethod } from '../client-auth/method.ts'
import type { CheckUrl } from '../clients/validation.ts'
import type { ClientMetadata, RegisteredSettings } from './metadata.ts'

const urls = ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'] as const

/** Never asked by this server, but shown to people and perhaps asked by what shows them: no better than `jwks_uri`. */
export function problemOfUrls(metadata: ClientMetadata, checkUrl: CheckUrl): string | undefined {
  for (const name of urls) {
    const url = metadata[name]
    const reason = url === undefined ? undefined : checkUrl(url)
    if (reason) return `${name} is refused: ${reason}`
  }
  return undefined
}

export function problemOfAuthentication(client: {
  authMethods: readonly string[]
  grantTypes: readonly string[]
  settings: RegisteredSettings
}): string | undefined {
  const { authMethods, grantTypes, settings } = client
  const { jwks, jwks_uri, token_endpoint_auth_signing_alg: algorithm } = settings
  if (authMethods.includes('private_key_jwt') && !jwks && jwks_uri === undefined) {
    return 'private_key_jwt needs jwks or jwks_uri'
  }
  const signs = authMethods.filter((method) => method.endsWith('_jwt'))
  const signsWithSecret = String(algorithm).startsWith('HS') ? 'client_secret_jwt' : 'private_key_jwt'
  if (algorithm !== undefined && signs.length > 0 && !signs.includes(signsWithSecret)) {
    return 'token_endpoint_auth_signing_alg does not belong to the token_endpoint_auth_method'
  }
  if (authMethods.every((method) => method === publicMethod) && grantTypes.includes('client_credentials')) {
    return 'client_credentials is not for clients that do not authenticate'
  }
  return undefined
}
