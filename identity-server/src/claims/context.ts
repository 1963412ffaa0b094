/** What expressions can name, and what stands behind each name when they are evaluated. */

/** An entry of the chain of organizations. */
export interface ContextOrganization {
  id: string
  name: string
}

/** Members that expressions may name; a request or subject token that there is not is null. */
export interface ClaimContext {
  /** The organization of the auth server; `path` leads from the root to it, itself included. */
  organization: ContextOrganization & { path: readonly ContextOrganization[] }
  auth_server: { id: string; issuer: string; name: string }
  client: { id: string; name: string }
  /** The `sub` of the token. */
  subject: string
  /** Granted ones. */
  scopes: readonly string[]
  /** The grant type. */
  grant: string
  /** Parameters of the token request that are no secrets. */
  request: {
    resource: readonly string[]
    audience: readonly string[]
    authorization_details: readonly unknown[]
  } | null
  /** The claims of the token that was exchanged, or of the assertion. */
  subject_token: Readonly<Record<string, unknown>> | null
  now: Date
}

/** @param path organizations from the root to the one that is meant */
export function contextOrganization(path: readonly ContextOrganization[]): ClaimContext['organization'] {
  const { id, name } = path.at(-1) ?? { id: '', name: '' }
  return { id, name, path }
}

export type ContextName = keyof ClaimContext

/** CEL types of the variables. JSON is `map` or `dyn`; its numbers are doubles, as CEL has it. */
export const variables: Readonly<Record<ContextName | 'attributes', string>> = {
  organization: 'map',
  auth_server: 'map',
  client: 'map',
  subject: 'string',
  scopes: 'list<string>',
  grant: 'string',
  request: 'dyn',
  subject_token: 'dyn',
  now: 'google.protobuf.Timestamp',
  attributes: 'map',
}

/** Members that are known beforehand, so that a wrong one is noticed when a claim is saved. */
export const knownMembers: Readonly<Partial<Record<string, readonly string[]>>> = {
  organization: ['id', 'name', 'path'],
  auth_server: ['id', 'issuer', 'name'],
  client: ['id', 'name'],
  request: ['resource', 'audience', 'authorization_details'],
}

/** What there is at issuance only: no token tells it, so neither introspection nor userinfo has it. */
export const onlyAtIssuance: ReadonlySet<string> = new Set<ContextName>(['grant', 'request', 'subject_token'])
