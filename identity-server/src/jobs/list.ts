/** The jobs. To add one: a file beside these and a line here. */
import type { MasterKeys } from '../keys/master-keys.ts'
import type { Database } from '../store/database.ts'
import type { Job } from './job.ts'
import { rotateKeys } from './rotate-keys.ts'
import { sweep } from './sweep.ts'

export interface JobDeps {
  db: Database
  masterKeys: MasterKeys
}

export const createJobs = ({ db, masterKeys }: JobDeps): readonly Job[] => [rotateKeys(db, masterKeys), sweep(db)]
