import type { Selectable } from 'kysely'
import { credentialContext } from '../claims/sources/credential.ts'
import { clientSecretContext, importedKey } from '../clients/secret.ts'
import type { MasterKeyUses } from '../keys/master-key-use.ts'
import type { MasterKeys } from '../keys/master-keys.ts'
import { signingKeyContext } from '../keys/signing-keys.ts'
import type { Database } from '../store/database.ts'
import {
  countMasterKeyUses,
  type EncryptedTable,
  encryptedTables,
  listAuthServersUnderKeys,
  reencryptRows,
} from '../store/encrypted-rows.ts'
import type { Tables } from '../store/schema.ts'
import { forEachAuthServer } from './each-auth-server.ts'
import type { Job } from './job.ts'

/** To add a table: its columns in `store/encrypted-rows.ts`, and here what its ciphertexts belong to. */
const contexts: { [Name in EncryptedTable]: (row: Selectable<Tables[Name]>) => string } = {
  attribute_sources: credentialContext,
  client_secrets: clientSecretContext,
  signing_keys: signingKeyContext,
}

const batch = 200

/**
 * Encrypts what is under an old master key anew under the first, and looks which old ones are needed none the less: those
 * that are not in the list, and those that hashes of client secrets were made with, which nobody can make anew.
 */
export function reencrypt(db: Database, masterKeys: MasterKeys, uses: MasterKeyUses): Job {
  const old = masterKeys.keyIds.filter((id) => id !== masterKeys.currentKeyId)

  const reencryptTable = async <Name extends EncryptedTable>(table: Name, signal: AbortSignal) => {
    const contextOf = contexts[table]
    const reencryptSome = (authServer: string) =>
      db.write({ authServer }, (tx) =>
        reencryptRows(
          tx,
          table,
          authServer,
          old,
          (row, { keyId, ciphertext }) => {
            const context = contextOf(row)
            return masterKeys.encrypt(masterKeys.decrypt(keyId, ciphertext, context), context)
          },
          batch,
        ),
      )
    await forEachAuthServer(
      (page) => db.read('maintenance', (tx) => listAuthServersUnderKeys(tx, table, old, page)),
      async (authServer) => {
        let converted = batch
        while (converted === batch && !signal.aborted) converted = await reencryptSome(authServer)
      },
      signal,
    )
  }

  return {
    name: 're-encrypt',
    intervalMs: 3_600_000,
    async run(now, signal) {
      const errors: unknown[] = []
      for (const table of old.length > 0 ? encryptedTables : []) {
        // What one table holds back does not hold back the others.
        await reencryptTable(table, signal).catch((error: unknown) => errors.push(error))
      }
      const found = await db.read('maintenance', (tx) => countMasterKeyUses(tx, now))
      uses.note(found.filter(({ keyId }) => keyId !== importedKey))
      if (errors.length > 0) throw new AggregateError(errors, 'some rows could not be encrypted anew')
    },
  }
}
