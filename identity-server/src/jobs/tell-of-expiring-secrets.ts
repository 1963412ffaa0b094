import type { EventRecorder } from '../events/recorder.ts'
import { takeExpiringSecrets } from '../store/client-secrets.ts'
import type { Database } from '../store/database.ts'
import type { Job } from './job.ts'

const day = 86_400_000
/** How long before its end a secret is told of: time enough to rotate it, and again where nobody did. */
const warnings = [14 * day, 3 * day, day]
const batch = 500

/** Records an event for each client secret that expires soon. */
export function tellOfExpiringSecrets(db: Database, events: Pick<EventRecorder, 'record'>): Job {
  return {
    name: 'tell-of-expiring-secrets',
    intervalMs: 3_600_000,
    async run(now, signal) {
      let taken = batch
      while (taken === batch && !signal.aborted) {
        const secrets = await db.commit('maintenance', (tx) => takeExpiringSecrets(tx, new Date(now), warnings, batch))
        for (const { auth_server_id, id, client_id, expires_at } of secrets) {
          events.record(auth_server_id, {
            type: 'client_secret.expiring',
            client_id,
            secret_id: id,
            expires_at: expires_at.toISOString(),
          })
        }
        taken = secrets.length
      }
    },
  }
}
