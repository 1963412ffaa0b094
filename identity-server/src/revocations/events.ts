import type { Event } from '../events/types.ts'
import type { GrantRow } from '../store/grants.ts'

/** A grant that was ended with all of its tokens, as it is recorded. */
export function grantRevoked({ id, client_id, subject }: Pick<GrantRow, 'id' | 'client_id' | 'subject'>): Event {
  return { type: 'token.revoked', client_id, subject, grant_id: id }
}
