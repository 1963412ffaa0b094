/** Proof by a shared secret, common to the methods that differ only in where the secret stands. */
import { clientSecretMatches, type StoredSecret } from '../clients/secret.ts'
import type { MasterKeys } from '../keys/master-keys.ts'
import type { Claimed } from './method.ts'

export function claimBySecret(clientId: string, secret: string, masterKeys: MasterKeys, now: () => number): Claimed {
  return {
    clientId,
    proves(client) {
      // An unknown client costs one comparison too, so that time does not tell which ids exist.
      const stored = client && client.secrets.length > 0 ? client.secrets : [decoy(masterKeys)]
      return clientSecretMatches(secret, stored, masterKeys, now()) && client !== undefined
    },
  }
}

function decoy(masterKeys: MasterKeys): StoredSecret {
  return { hash: Buffer.alloc(32), hashKey: masterKeys.currentKeyId, expiresAt: undefined }
}
