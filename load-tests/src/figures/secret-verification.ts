import { clientSecretMatches, generateClientSecret } from '@postern/identity-server/clients/secret'
import { createMasterKeys, generateMasterKey } from '@postern/identity-server/keys/master-keys'
import type { Figure } from './figure.ts'
import { microsecondsOf } from './microseconds.ts'

/** A client secret against the stored one, as at each request. */
export const secretVerification: Figure = {
  name: 'secret-verification',
  unit: 'µs',
  atMost: 50,
  measure() {
    const masterKeys = createMasterKeys([generateMasterKey()])
    const secret = generateClientSecret()
    const { keyId, hash } = masterKeys.hash(secret)
    const stored = [{ hash: Buffer.from(hash, 'base64url'), hashKey: keyId, expiresAt: undefined }]
    return microsecondsOf(20_000, () => {
      if (!clientSecretMatches(secret, stored, masterKeys, 0)) throw new Error('the secret does not match')
    })
  },
}
