/**
 * What a client becomes that registers itself: what it asks for, as far as the auth server's policy lets it. In a later
 * update, what an administrator has changed or granted meanwhile stays as it is.
 */
import { type CheckUrl, problemOf } from '../clients/validation.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { RegistrationPolicy } from '../tenancy/registration-policy.ts'
import { allowedAuthMethods, allowedDetailTypes, allowedGrantTypes, allowedScopes } from './allowed.ts'
import type { AdmittedClient, PresentClient } from './client.ts'
import { problemOfAuthentication, problemOfUrls } from './consistency.ts'
import { descriptionOf, invalidMetadata, type StatedMetadata } from './metadata.ts'
import { othersIn, registeredSettingsOf } from './settings.ts'

export interface AdmissionRules {
  authServer: AuthServer
  policy: RegistrationPolicy
  checkUrl: CheckUrl
}

/** @throws OAuthError `invalid_client_metadata`, naming the member */
export function admitClient(
  { authServer, policy, checkUrl }: AdmissionRules,
  stated: StatedMetadata,
  present?: PresentClient,
): AdmittedClient {
  const { metadata } = stated
  const { authMethods, registered: method } = allowedAuthMethods(authServer, policy, stated, present)
  const { settings: own, registered } = registeredSettingsOf(policy, stated, present)
  const detailTypes = allowedDetailTypes(authServer, policy, metadata, present)
  const client = {
    name: wasRenamed(present) ? present.name : metadata.client_name,
    grantTypes: allowedGrantTypes(policy, metadata, present),
    authMethods,
    scopes: allowedScopes(policy, metadata, present),
    settings: {
      ...(present ? othersIn(present.settings) : policy.resources && { resources: policy.resources }),
      ...own,
      ...(detailTypes.length > 0 && { authorization_details_types: detailTypes }),
    },
  }
  const problem =
    problemOf(client.settings, authMethods, checkUrl) ??
    problemOfUrls(metadata, checkUrl) ??
    problemOfAuthentication(client)
  if (problem !== undefined) throw invalidMetadata(problem)
  return {
    ...client,
    registered: {
      ...descriptionOf(metadata),
      ...registered,
      ...(method !== undefined && { token_endpoint_auth_method: method }),
    },
  }
}

function wasRenamed(present: PresentClient | undefined): present is PresentClient {
  return present !== undefined && present.name !== (present.registered.client_name ?? present.id)
}
