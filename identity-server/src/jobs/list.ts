/** The jobs. To add one: a file beside these and a line here. */
import type { AuditLog } from '../audit/log.ts'
import type { SecretUses } from '../clients/secret-uses.ts'
import type { EventRecorder } from '../events/recorder.ts'
import type { MasterKeyUses } from '../keys/master-key-use.ts'
import type { MasterKeys } from '../keys/master-keys.ts'
import type { Database } from '../store/database.ts'
import { forget, type Retention } from './forget.ts'
import type { Job } from './job.ts'
import { reencrypt } from './re-encrypt.ts'
import { recordSecretUses } from './record-secret-uses.ts'
import { rotateKeys } from './rotate-keys.ts'
import { sweep } from './sweep.ts'
import { tellOfExpiringSecrets } from './tell-of-expiring-secrets.ts'

export interface JobDeps {
  db: Database
  masterKeys: MasterKeys
  masterKeyUses: MasterKeyUses
  secretUses: SecretUses
  audit: Pick<AuditLog, 'enterBelow'>
  events: Pick<EventRecorder, 'record'>
  retention: Retention
}

export const createJobs = ({
  db,
  masterKeys,
  masterKeyUses,
  secretUses,
  audit,
  events,
  retention,
}: JobDeps): readonly Job[] => [
  rotateKeys({ db, masterKeys, audit, events }),
  reencrypt(db, masterKeys, masterKeyUses),
  sweep(db),
  recordSecretUses(secretUses),
  tellOfExpiringSecrets(db, events),
  forget(db, retention),
]
