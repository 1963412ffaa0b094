import { createClientSecrets, generateClientSecret } from '@postern/identity-server/clients/secret'
import { createMasterKeys, generateMasterKey } from '@postern/identity-server/keys/master-keys'
import type { Figure } from './figure.ts'
import { microsecondsOf } from './microseconds.ts'

/** A client secret against the stored one, as at each request. */
export const secretVerification: Figure = {
  name: 'secret-verification',
  unit: 'µs',
  atMost: 50,
  measure() {
    const secrets = createClientSecrets(createMasterKeys([generateMasterKey()]))
    const secret = generateClientSecret()
    const stored = [{ id: 'a', ...secrets.keep(secret), expiresAt: undefined, encrypted: undefined }]
    return microsecondsOf(20_000, () => {
      if (!secrets.find(secret, stored, 0)) throw new Error('the secret does not match')
    })
  },
}
