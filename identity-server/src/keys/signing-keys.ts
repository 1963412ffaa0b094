/** The signing keys of auth servers: made, encrypted at rest, kept decrypted in memory while they are in use. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { type CachedLookup, createCachedLookup } from '../store/cached-lookup.ts'
import type { Database, Tx } from '../store/database.ts'
import { insertSigningKey, listSigningKeys, type SigningKeyRow } from '../store/signing-keys.ts'
import { rsaBits } from './algorithms.ts'
import type { MasterKeys } from './master-keys.ts'
import { createSigner, type Signer } from './signer.ts'
import { createVerifier, type Verifier } from './verifier.ts'

export interface KeyRing {
  /** Signs new tokens. */
  active: Signer
  /** Verifies access tokens of ours, with every key that is published. */
  verifyAccessToken: Verifier
  /** The JWK Set as it is published (RFC 7517 section 5): next, active and retired keys. */
  jwks: { keys: Record<string, string>[] }
}

/** The `typ` of JWT access tokens (RFC 9068 section 2.1). */
export const accessTokenType = 'at+jwt'

const PrivateJwk = Type.Object({ kty: Type.String(), d: Type.String() }, { additionalProperties: Type.String() })
const PublicJwk = Type.Record(Type.String(), Type.String())

/** What the ciphertext of a private key belongs to. */
export function signingKeyContext({ auth_server_id, kid }: Pick<SigningKeyRow, 'auth_server_id' | 'kid'>): string {
  return `signing key ${auth_server_id} ${kid}`
}

/**
 * Makes a signing key and stores it.
 * @param activatesAt ms since the epoch
 */
export async function createSigningKey(
  tx: Tx,
  authServer: string,
  masterKeys: MasterKeys,
  algorithm: string,
  { state, activatesAt }: { state: 'next' | 'active'; activatesAt: number },
): Promise<SigningKeyRow> {
  const pair = await generateKeyPair(algorithm, { modulusLength: rsaBits, extractable: true })
  const publicJwk = await exportJWK(pair.publicKey)
  const kid = await calculateJwkThumbprint(publicJwk)
  const privateJwk = Buffer.from(JSON.stringify(await exportJWK(pair.privateKey)))
  const { keyId, ciphertext } = masterKeys.encrypt(privateJwk, signingKeyContext({ auth_server_id: authServer, kid }))
  return insertSigningKey(tx, authServer, {
    kid,
    algorithm,
    state,
    public_key: JSON.stringify(publicJwk),
    private_key: ciphertext,
    encryption_key: keyId,
    activates_at: new Date(activatesAt),
  })
}

/** The key ring of each auth server; undefined for one that does not exist. */
export function createKeyRings(db: Database, masterKeys: MasterKeys): CachedLookup<KeyRing> {
  return createCachedLookup({
    changes: db.changes,
    max: 10_000,
    entryPer: 'auth server',
    tables: ['signing_keys'],
    load: async (authServer) => {
      const rows = await db.read({ authServer }, (tx) => listSigningKeys(tx, authServer))
      return rows.length === 0 ? undefined : toKeyRing(authServer, rows, masterKeys)
    },
  })
}

/** The public key as it is published (RFC 7517 section 4). */
export function publishedJwk({ kid, algorithm, public_key }: SigningKeyRow): Record<string, string> {
  return { ...Value.Parse(PublicJwk, JSON.parse(public_key)), kid, alg: algorithm, use: 'sig' }
}

function toKeyRing(authServer: string, rows: SigningKeyRow[], masterKeys: MasterKeys): KeyRing {
  const row = rows.find(({ state }) => state === 'active')
  if (!row) throw new Error(`auth server ${authServer} has no active signing key`)
  const privateText = masterKeys.decrypt(row.encryption_key, row.private_key, signingKeyContext(row))
  const active = createSigner(row.kid, row.algorithm, Value.Parse(PrivateJwk, JSON.parse(privateText.toString())))
  const published = rows.map((key) => ({ kid: key.kid, algorithm: key.algorithm, publicJwk: publishedJwk(key) }))
  return {
    active,
    verifyAccessToken: createVerifier(published, accessTokenType),
    jwks: { keys: published.map(({ publicJwk }) => publicJwk) },
  }
}
