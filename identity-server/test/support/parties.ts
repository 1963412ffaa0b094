/** An auth server and a client as the OAuth endpoints know them, for tests of what is decided from them alone. */
import type { Client } from '../../src/clients/clients.ts'
import type { AuthServer } from '../../src/tenancy/auth-servers.ts'

export const authServer: AuthServer = {
  id: 'acme',
  organization: 'root',
  issuer: 'https://as.example/acme',
  name: 'Acme',
  audience: 'https://api.example',
  accessTokenLifetime: 300,
  defaultScopes: [],
  publishedScopes: [],
  settings: {},
  detailTypes: new Map(),
  limits: {},
  claims: undefined,
}

export const client: Client = {
  id: 'client',
  name: 'Client',
  enabled: true,
  grantTypes: ['refresh_token'],
  authMethods: ['client_secret_basic'],
  audience: undefined,
  accessTokenLifetime: undefined,
  mayIntrospect: false,
  scopes: ['read'],
  secrets: [],
  settings: {},
}
