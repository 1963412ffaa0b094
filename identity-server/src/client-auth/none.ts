import { type ClientAuthMethod, publicMethod } from './method.ts'

/** A client that cannot keep a secret names itself and proves nothing (RFC 6749 section 3.2.1). */
export const none: ClientAuthMethod = {
  name: publicMethod,
  implicit: true,
  read({ form }) {
    const clientId = form.get('client_id')
    return clientId === undefined ? undefined : { clientId, proves: (client) => client !== undefined }
  },
}
