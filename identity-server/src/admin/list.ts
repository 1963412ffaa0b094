/** The resources of the admin API. To add one: a file in `resources/` and a line here. */
import type { AdminDeps } from './deps.ts'
import type { Resource } from './resource.ts'
import { attributeSources } from './resources/attribute-sources.ts'
import { auditLog } from './resources/audit-log.ts'
import { authServers } from './resources/auth-servers.ts'
import { claims } from './resources/claims.ts'
import { clientSecrets } from './resources/client-secrets.ts'
import { clients } from './resources/clients.ts'
import { events } from './resources/events.ts'
import { grants } from './resources/grants.ts'
import { initialAccessTokens } from './resources/initial-access-tokens.ts'
import { keys } from './resources/keys.ts'
import { organizations } from './resources/organizations.ts'
import { revocations } from './resources/revocations.ts'
import { scopes } from './resources/scopes.ts'
import { trustedIssuers } from './resources/trusted-issuers.ts'

export const adminResources = (deps: AdminDeps): Resource[] => [
  organizations(),
  authServers(deps),
  keys(deps),
  scopes(),
  clients(deps),
  clientSecrets(deps),
  initialAccessTokens(deps),
  grants(deps),
  revocations(deps),
  attributeSources(deps),
  claims(deps),
  trustedIssuers(deps),
  events(),
  auditLog(),
]
