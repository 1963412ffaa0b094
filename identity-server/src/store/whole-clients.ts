/** Clients with their scopes and secrets, read by one call (migration 0007). */
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { ClientSecretRow } from './client-secrets.ts'
import type { ClientRow } from './clients.ts'
import type { Database } from './database.ts'

type WholeClientSecret = Pick<
  ClientSecretRow,
  'id' | 'hash' | 'hash_key' | 'expires_at' | 'ciphertext' | 'encryption_key'
>

export interface WholeClient
  extends Pick<
    ClientRow,
    | 'id'
    | 'name'
    | 'enabled'
    | 'grant_types'
    | 'token_endpoint_auth_methods'
    | 'audience'
    | 'access_token_lifetime'
    | 'may_introspect'
    | 'settings'
    | 'scopes'
  > {
  secrets: WholeClientSecret[]
}

const OrNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const strings = Type.Array(Type.String())

const wholeClient = Compile(
  Type.Object({
    id: Type.String(),
    name: Type.String(),
    enabled: Type.Boolean(),
    grant_types: strings,
    token_endpoint_auth_methods: strings,
    audience: OrNull(Type.String()),
    access_token_lifetime: OrNull(Type.Number()),
    may_introspect: Type.Boolean(),
    settings: Type.Record(Type.String(), Type.Unknown()),
    scopes: strings,
    secrets: Type.Array(
      Type.Object({
        id: Type.String(),
        hash: Type.String(),
        hash_key: Type.String(),
        expires_at: OrNull(Type.String()),
        ciphertext: OrNull(Type.String({ pattern: '^\\\\x[0-9a-f]*$' })),
        encryption_key: OrNull(Type.String()),
      }),
    ),
  }),
)

/** @throws StoreError */
export async function findWholeClient(db: Database, authServer: string, id: string): Promise<WholeClient | undefined> {
  const found = await db.call('find_client', authServer, id)
  if (found === null) return undefined
  const client = wholeClient.Parse(found)
  return {
    ...client,
    // What JSON has no form for: points in time and bytes.
    secrets: client.secrets.map((secret) => ({
      ...secret,
      expires_at: secret.expires_at === null ? null : new Date(secret.expires_at),
      ciphertext: secret.ciphertext === null ? null : Buffer.from(secret.ciphertext.slice(2), 'hex'),
    })),
  }
}
