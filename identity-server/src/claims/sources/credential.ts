/** The credential that an HTTP source is asked with: encrypted at rest, for one origin only. */
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import type { MasterKeys } from '../../keys/master-keys.ts'
import type { AttributeSourceRow } from '../../store/attribute-sources.ts'
import { SourceError } from './source.ts'
import { compileUrl } from './url-template.ts'

const visible = (pattern: string) => Type.String({ pattern, minLength: 1, maxLength: 4_096 })

export const Credential = Type.Union([
  Type.Object({ type: Type.Literal('bearer'), token: visible('^[\\x21-\\x7E]+$') }, { additionalProperties: false }),
  Type.Object(
    {
      type: Type.Literal('basic'),
      username: visible('^[\\x20-\\x39\\x3B-\\x7E]+$'),
      password: visible('^[\\x20-\\x7E]+$'),
    },
    { additionalProperties: false },
  ),
])
export type Credential = Static<typeof Credential>

/** The origin is part of it: whoever changes a source's URL cannot have the old credential sent elsewhere. */
const contextOf = (authServer: string, source: string, origin: string) =>
  `attribute source ${authServer} ${source} ${origin}`

export function encryptCredential(
  masterKeys: MasterKeys,
  authServer: string,
  source: string,
  origin: string,
  credential: Credential,
): { credential: Buffer; encryption_key: string } {
  const text = Buffer.from(JSON.stringify(credential))
  const { keyId, ciphertext } = masterKeys.encrypt(text, contextOf(authServer, source, origin))
  return { credential: ciphertext, encryption_key: keyId }
}

/** What the ciphertext of a stored credential belongs to. */
export function credentialContext({ auth_server_id, name, configuration }: AttributeSourceRow): string {
  const { url } = Value.Parse(Type.Object({ url: Type.String() }), JSON.parse(configuration))
  return contextOf(auth_server_id, name, compileUrl(url).origin)
}

/** The value of the Authorization header. @throws SourceError where the credential cannot be read */
export function authorizationOf(masterKeys: MasterKeys, row: AttributeSourceRow, origin: string): string | undefined {
  if (row.credential === null || row.encryption_key === null) return undefined
  try {
    const context = contextOf(row.auth_server_id, row.name, origin)
    const text = masterKeys.decrypt(row.encryption_key, row.credential, context).toString()
    return toHeader(Value.Parse(Credential, JSON.parse(text)))
  } catch (error) {
    throw new SourceError('credential_unreadable', error)
  }
}

/** RFC 6750 section 2.1, RFC 7617 section 2. */
function toHeader(credential: Credential): string {
  if (credential.type === 'bearer') return `Bearer ${credential.token}`
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`
}
