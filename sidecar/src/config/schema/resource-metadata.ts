import Type, { type Static } from 'typebox'
import { object, ScopeToken, Url } from './parts.ts'

export const ResourceMetadata = object(
  {
    resource: Type.String({ ...Url, description: 'The resource identifier: a URL of what the gateway serves' }),
    scopes_supported: Type.Optional(Type.Array(ScopeToken, { uniqueItems: true })),
    resource_name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    resource_documentation: Type.Optional(Url),
    resource_policy_uri: Type.Optional(Url),
    resource_tos_uri: Type.Optional(Url),
  },
  'Metadata of the protected resource (RFC 9728), named in challenges',
)
export type ResourceMetadataConfig = Static<typeof ResourceMetadata>
