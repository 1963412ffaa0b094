import type { KeysOf } from '../clients/keys.ts'
import { isCurrent } from '../sender-constraint/certificate.ts'
import type { ClientAuthMethod } from './method.ts'
import { refuseWithoutKeys } from './unavailable-keys.ts'

/**
 * A certificate that needs nobody to vouch for it, because its key is one that the client is registered with (RFC 8705
 * section 2.2). Keys are compared, so that a certificate can be renewed without registering it anew.
 */
export function selfSignedTlsClientAuth(keysOf: KeysOf, now: () => number): ClientAuthMethod {
  return {
    name: 'self_signed_tls_client_auth',
    implicit: true,
    read({ form, certificate }) {
      const clientId = form.get('client_id')
      if (!certificate || clientId === undefined) return undefined
      return {
        clientId,
        async proves(client) {
          const keys = client && isCurrent(certificate, now()) ? keysOf(client) : undefined
          if (!keys) return false
          return keys.includes(certificate.x509.publicKey).catch(refuseWithoutKeys)
        },
      }
    },
  }
}
