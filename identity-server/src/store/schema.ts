/**
 * The tables as kysely sees them. Columns keep the names of the database; every row below an auth server begins with
 * `auth_server_id`, its tenant.
 */
import type { RevocationKind } from '@postern/protocol/revocation'
import type { ColumnType, Generated } from 'kysely'

type Timestamp = ColumnType<Date, Date | string, Date | string>
/** Set by the database at insert. */
type CreatedAt = ColumnType<Date, never, never>
type UpdatedAt = ColumnType<Date, never, Date>
/** A JSON object: given as its text, and parsed by whoever reads it. */
type Document = ColumnType<unknown, string | undefined, string>

export interface OrganizationsTable {
  id: string
  parent_id: string | null
  /** The path from the root to this organization, itself included: what row-level security compares with. */
  ancestors: string[]
  name: string
  limits: Document
  /** The limits of the organizations above it, tightened. */
  inherited_limits: Document
  created_at: CreatedAt
  updated_at: UpdatedAt
}

export interface AuthServersTable {
  id: string
  organization_id: string
  name: string
  description: string
  /** The `aud` of access tokens whose client names none of its own. */
  audience: string
  /** Seconds. */
  access_token_lifetime: number
  signing_algorithm: string
  /** Seconds that a key signs. Null: until it is told to rotate. */
  key_rotation_interval: Generated<number | null>
  settings: Document
  limits: Document
  /** The limits of the organizations above it, tightened. */
  inherited_limits: Document
  created_at: CreatedAt
  updated_at: UpdatedAt
}

export interface ScopesTable {
  auth_server_id: string
  name: string
  description: string
  /** Granted where a token request names no scope, to clients that may have it. */
  is_default: boolean
  include_in_metadata: boolean
  created_at: CreatedAt
  updated_at: UpdatedAt
}

export interface ClientsTable {
  auth_server_id: string
  id: string
  name: string
  enabled: boolean
  grant_types: string[]
  token_endpoint_auth_methods: string[]
  /** Null: the auth server's. */
  audience: string | null
  /** Seconds. Null: the auth server's. */
  access_token_lifetime: number | null
  /** Whether it may introspect tokens of other clients and read the revocation feed. */
  may_introspect: boolean
  settings: Document
  created_at: CreatedAt
  updated_at: UpdatedAt
}

export interface ClientScopesTable {
  auth_server_id: string
  client_id: string
  scope: string
}

export interface ClientSecretsTable {
  auth_server_id: string
  id: string
  client_id: string
  name: string
  /** HMAC-SHA-256 of the secret, base64url; or, of an imported one, its scrypt hash with salt and parameters. */
  hash: string
  /** Which master key the HMAC key was derived from; or `scrypt`. */
  hash_key: string
  expires_at: Timestamp | null
  /** The secret itself, encrypted: for clients that sign with it. */
  ciphertext: Uint8Array | null
  encryption_key: string | null
  /** When it was told that the secret expires soon. */
  expiry_told_at: Timestamp | null
  created_at: CreatedAt
  updated_at: UpdatedAt
}

/** Apart from the secrets, so that a use is no change that caches hear of. */
export interface ClientSecretUsesTable {
  auth_server_id: string
  secret_id: string
  last_used_at: Timestamp
}

export interface SigningKeysTable {
  auth_server_id: string
  kid: string
  algorithm: string
  state: 'next' | 'active' | 'retired'
  /** A JWK, as JSON text. */
  public_key: string
  /** The private JWK, encrypted under the master key `encryption_key`. */
  private_key: Uint8Array
  encryption_key: string
  /** From when it signs: planned while it is `next`, and how it came about afterwards. */
  activates_at: Timestamp
  /** When it signed last. Present in state `retired`, as is `removes_at`. */
  retired_at: Timestamp | null
  /** When its last token has expired. */
  removes_at: Timestamp | null
  created_at: CreatedAt
  updated_at: UpdatedAt
}

export interface RevocationStreamsTable {
  auth_server_id: string
  /** Made up by the database with the row: what tells these sequence numbers from those of any other database. */
  stream_id: Generated<string>
  last_sequence: string
}

export interface RevocationsTable {
  auth_server_id: string
  kind: RevocationKind
  /** `jti`, `grant_id`, `client_id`, `sub` or `kid`, after the kind. */
  value: string
  /** Of a client or a subject: tokens that were issued until then are revoked. */
  not_before: Timestamp | null
  /** Ascending in the order of commit, within an auth server: the cursor of the feed. */
  sequence: string
  /** When the last token that it may affect has expired, and it may be forgotten. */
  expires_at: Timestamp
  revoked_at: Timestamp
}

export interface OpaqueTokensTable {
  auth_server_id: string
  /** SHA-256 of the token. */
  hash: Uint8Array
  claims: ColumnType<unknown, string, never>
  expires_at: Timestamp
}

export interface UsedIdentifiersTable {
  auth_server_id: string
  hash: Uint8Array
  expires_at: Timestamp
}

/** In partitions by day; added by maintenance, in batches. */
export interface EventsTable {
  auth_server_id: ColumnType<string, never, never>
  /** A UUID of version 7 that begins with `at`: ascending by time, and the key of the partitions. */
  id: ColumnType<string, never, never>
  at: ColumnType<Date, never, never>
  type: ColumnType<string, never, never>
  client_id: ColumnType<string | null, never, never>
  subject: ColumnType<string | null, never, never>
  /** The members of its type, but for those above. */
  data: ColumnType<Record<string, unknown>, never, never>
}

/** What administrators changed; added in the transaction of the change. */
export interface AuditLogTable {
  /** A UUID of version 7. */
  id: ColumnType<string, string, never>
  at: ColumnType<Date, Date, never>
  /** The path from the root to the organization concerned at that time: what row-level security compares with. */
  ancestors: ColumnType<string[], string[], never>
  /** Null where no auth server is concerned. */
  auth_server_id: ColumnType<string | null, string | null, never>
  /** The client that acted. Null: Postern itself. */
  actor: ColumnType<string | null, string | null, never>
  /** The `jti` of its access token. */
  actor_token: ColumnType<string | null, string | null, never>
  action: ColumnType<string, string, never>
  target: ColumnType<string, string, never>
  /** Each member that differs, as JSON text: `{ name: { from, to } }`. */
  changes: ColumnType<Record<string, unknown>, string, never>
}

/** A grant that outlasts its first access token. Its own times come from the service's clock. */
export interface GrantsTable {
  auth_server_id: string
  /** The `grant_id` of its access tokens. */
  id: string
  client_id: string
  subject: string
  /** What each of its tokens may be: see `Granted`. */
  granted: ColumnType<unknown, string, never>
  /** The key that its refresh tokens are bound to. */
  confirmation: ColumnType<unknown, string | null, never>
  /** SHA-256 of the one refresh token that can be used. */
  token_hash: Uint8Array
  created_at: ColumnType<Date, Date, never>
  /** When its refresh token was last exchanged, or made. */
  used_at: Timestamp
  /** When that one has lain unused for too long. */
  idle_until: Timestamp
  /** When it ends, used or not. */
  ends_at: Timestamp
  /** When the last of its access tokens expires. */
  access_ends_at: Timestamp
  /** From when on the row may be deleted: the earlier of the two ends, rounded up to whole days. */
  expires_at: Timestamp
}

export interface ClaimsTable {
  auth_server_id: string
  name: string
  description: string
  /** JSON whose texts may hold CEL. */
  value: string
  /** CEL. Null: it always applies. */
  condition: string | null
  placements: ('access_token' | 'id_token' | 'userinfo' | 'introspection')[]
  /** Left out where it cannot be made. */
  optional: boolean
  created_at: CreatedAt
  updated_at: UpdatedAt
}

export interface AttributeSourcesTable {
  auth_server_id: string
  name: string
  kind: 'static' | 'http'
  /** JSON, as the kind has it. */
  configuration: string
  on_failure: 'fail' | 'omit'
  /** JSON, encrypted under the master key `encryption_key`. */
  credential: Uint8Array | null
  encryption_key: string | null
  created_at: CreatedAt
  updated_at: UpdatedAt
}

export interface TrustedIssuersTable {
  auth_server_id: string
  id: string
  /** Its issuer identifier, the `iss` of its JWTs. */
  issuer: string
  name: string
  enabled: boolean
  settings: Document
  created_at: CreatedAt
  updated_at: UpdatedAt
}

/** That a client registered itself (RFC 7591); without such a row it cannot manage itself (RFC 7592). */
export interface ClientRegistrationsTable {
  auth_server_id: string
  client_id: string
  /** SHA-256 of its registration access token. */
  token_hash: Uint8Array
  /** What it said of itself, as it was accepted: what differs from it was changed by an administrator. */
  metadata: ColumnType<unknown, string, string>
  issued_at: Timestamp
  /** As it was sent (RFC 7591 section 3.2.1); null where it registered without one. */
  software_statement: string | null
}

/** Each lets so many clients register themselves. */
export interface InitialAccessTokensTable {
  auth_server_id: string
  id: string
  name: string
  /** SHA-256 of the token. */
  hash: Uint8Array
  uses_left: number
  expires_at: Timestamp
  created_at: CreatedAt
  updated_at: UpdatedAt
}

export interface Tables {
  organizations: OrganizationsTable
  auth_servers: AuthServersTable
  scopes: ScopesTable
  clients: ClientsTable
  client_scopes: ClientScopesTable
  client_secrets: ClientSecretsTable
  client_secret_uses: ClientSecretUsesTable
  signing_keys: SigningKeysTable
  revocation_streams: RevocationStreamsTable
  revocations: RevocationsTable
  opaque_tokens: OpaqueTokensTable
  trusted_issuers: TrustedIssuersTable
  used_identifiers: UsedIdentifiersTable
  events: EventsTable
  audit_log: AuditLogTable
  grants: GrantsTable
  claims: ClaimsTable
  attribute_sources: AttributeSourcesTable
  client_registrations: ClientRegistrationsTable
  initial_access_tokens: InitialAccessTokensTable
}
