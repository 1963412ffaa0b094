/** Proof by a shared secret, common to the methods that differ only in where the secret stands. */
import type { ClientSecrets } from '../clients/secret.ts'
import type { SecretUses } from '../clients/secret-uses.ts'
import type { Claimed } from './method.ts'

export interface SecretProof {
  secrets: ClientSecrets
  uses: SecretUses
  now: () => number
}

export function claimBySecret(clientId: string, secret: string, { secrets, uses, now }: SecretProof): Claimed {
  return {
    clientId,
    proves(client, { id }) {
      const found = secrets.find(secret, client?.secrets ?? [], now())
      if (found instanceof Promise) return found.then((one) => note(one?.id))
      return note(found?.id)

      function note(used: string | undefined): boolean {
        if (used !== undefined) uses.note(id, used, now())
        return used !== undefined
      }
    },
  }
}
