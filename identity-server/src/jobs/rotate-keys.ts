import { publishedForMs } from '../keys/lifecycle.ts'
import type { MasterKeys } from '../keys/master-keys.ts'
import { advanceIdleKeys } from '../keys/rotation.ts'
import type { Database } from '../store/database.ts'
import { listAuthServersWithDueKeys } from '../store/signing-keys.ts'
import { forEachAuthServer } from './each-auth-server.ts'
import type { Job } from './job.ts'

/** Takes signing keys to the next step of their life, where one is due. */
export function rotateKeys(db: Database, masterKeys: MasterKeys): Job {
  return {
    name: 'rotate-keys',
    intervalMs: 60_000,
    run: (now, signal) =>
      forEachAuthServer(
        (page) => db.read('maintenance', (tx) => listAuthServersWithDueKeys(tx, now, publishedForMs, page)),
        (authServer) => db.write({ authServer }, (tx) => advanceIdleKeys(tx, authServer, masterKeys, now)),
        signal,
      ),
  }
}
