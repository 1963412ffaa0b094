import Type, { type Static } from 'typebox'
import { object, SecretSource } from './parts.ts'

export const Inspection = object(
  {
    client_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    client_secret: Type.Optional(SecretSource),
  },
  'Whether POST /v1/introspect/{policy} and POST /v1/validate tell what tokens are, to whoever reaches the sidecar or, with credentials, to those who have them',
)
export type InspectionConfig = Static<typeof Inspection>
