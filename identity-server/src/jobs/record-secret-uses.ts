import type { SecretUses } from '../clients/secret-uses.ts'
import type { Job } from './job.ts'

/** Writes down when client secrets were last used. */
export function recordSecretUses(uses: SecretUses): Job {
  return { name: 'record-secret-uses', intervalMs: 60_000, run: () => uses.flush() }
}
