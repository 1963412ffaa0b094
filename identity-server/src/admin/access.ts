import type { Event } from '../events/types.ts'
import type { Tx } from '../store/database.ts'

/** Records what comes of a change besides the change itself, once it has taken place. */
export type Tell = (...events: readonly Event[]) => void

/**
 * What an operation of a resource works with. There is no other way to the database: what reads can change nothing, and
 * what changes enters into the audit log, in the same transaction, who changed what.
 */
export interface Access {
  /** The organization whose subtree the admin may see. */
  organization: string
  /**
   * Runs `work` in a transaction that sees that subtree, and the rows below the auth server that the path names.
   * @throws Problem `not_found` where the subtree has no such auth server; what `work` throws; StoreError
   */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * As `read`, for changes. Where `work` answers undefined or false, there was nothing to change.
   * @param newAuthServer the id of one that `work` makes
   */
  change<T>(work: (tx: Tx, tell: Tell) => Promise<T>, newAuthServer?: string): Promise<T>
}
