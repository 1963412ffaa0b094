/** The signing keys of auth servers: made, encrypted at rest, kept decrypted in memory while they are in use. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { type CachedLookup, createCachedLookup } from '../store/cached-lookup.ts'
import type { Database, Tx } from '../store/database.ts'
import { insertSigningKey, listSigningKeys, type SigningKeyRow } from '../store/signing-keys.ts'
import type { MasterKeys } from './master-keys.ts'
import { createSigner, type Signer } from './signer.ts'
import { createVerifier, type Verifier } from './verifier.ts'

export interface KeyRing {
  /** Signs new tokens. */
  active: Signer
  /** Verifies access tokens of ours, with every key that is published. */
  verifyAccessToken: Verifier
  /** The JWK Set as it is published (RFC 7517 section 5): next, active and retired keys. */
  jwks: { keys: JWK[] }
}

/** The `typ` of JWT access tokens (RFC 9068 section 2.1). */
export const accessTokenType = 'at+jwt'

const PrivateJwk = Type.Object({ kty: Type.String(), d: Type.String() }, { additionalProperties: Type.String() })
const PublicJwk = Type.Object({ kty: Type.String() }, { additionalProperties: Type.String() })

const contextOf = (authServer: string, kid: string) => `signing key ${authServer} ${kid}`

/** Makes an active signing key and stores it, within the transaction that creates the auth server. */
export async function createSigningKey(
  tx: Tx,
  authServer: string,
  masterKeys: MasterKeys,
  algorithm: string,
): Promise<void> {
  const pair = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(pair.publicKey)
  const kid = await calculateJwkThumbprint(publicJwk)
  const privateJwk = Buffer.from(JSON.stringify(await exportJWK(pair.privateKey)))
  const { keyId, ciphertext } = masterKeys.encrypt(privateJwk, contextOf(authServer, kid))
  await insertSigningKey(tx, authServer, {
    kid,
    algorithm,
    state: 'active',
    public_key: JSON.stringify(publicJwk),
    private_key: ciphertext,
    encryption_key: keyId,
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

function toKeyRing(authServer: string, rows: SigningKeyRow[], masterKeys: MasterKeys): KeyRing {
  const active = rows.find((row) => row.state === 'active')
  if (!active) throw new Error(`auth server ${authServer} has no active signing key`)
  const privateText = masterKeys.decrypt(active.encryption_key, active.private_key, contextOf(authServer, active.kid))
  const published = rows.map(({ kid, algorithm, public_key }) => ({
    kid,
    algorithm,
    publicJwk: Value.Parse(PublicJwk, JSON.parse(public_key)),
  }))
  return {
    active: createSigner(active.kid, active.algorithm, Value.Parse(PrivateJwk, JSON.parse(privateText.toString()))),
    verifyAccessToken: createVerifier(published, accessTokenType),
    jwks: {
      keys: published.map(({ kid, algorithm, publicJwk }) => ({ ...publicJwk, kid, alg: algorithm, use: 'sig' })),
    },
  }
}
