import Type, { type Static } from 'typebox'
import { HeaderName } from './parts.ts'

const parameter = '^[A-Za-z0-9._~-]{1,100}$'

/** Exactly one member. */
export const TokenSource = Type.Object(
  {
    header: Type.Optional(
      Type.String({ ...HeaderName, description: 'Authorization with its scheme; any other holds the token alone' }),
    ),
    query: Type.Optional(
      Type.String({ pattern: parameter, description: 'Parameter of the URL, which ends up in logs' }),
    ),
    cookie: Type.Optional(Type.String({ pattern: parameter, description: 'Name of the cookie' })),
    form: Type.Optional(
      Type.String({ pattern: parameter, description: 'Parameter of a form body; only plugins that send the body' }),
    ),
  },
  { additionalProperties: false, minProperties: 1, maxProperties: 1, description: 'Where a token is looked for' },
)
export type TokenSource = Static<typeof TokenSource>
