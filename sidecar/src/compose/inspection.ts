/** Who may ask what tokens are under a policy, from its configuration. */
import { timingSafeEqual } from 'node:crypto'
import type { InspectionConfig } from '../config/schema/inspection.ts'
import { sha256 } from '../remote/sha256.ts'
import type { Inspector } from '../transports/inspection.ts'
import type { Toolkit } from './toolkit.ts'

export function composeAdmission(
  name: string,
  { client_id: known, client_secret }: InspectionConfig,
  { changingSecret }: Toolkit,
): Inspector['admits'] {
  if (known === undefined || client_secret === undefined) return undefined
  const secret = changingSecret(`${name} inspection`, [client_secret], ([text = '']) => text)
  // As hashes, which are of one length whatever is sent.
  return ({ clientId, clientSecret }) =>
    isSame(`${clientId.length} ${clientId} ${clientSecret}`, `${known.length} ${known} ${secret.current()}`)
}

function isSame(one: string, another: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(one)), Buffer.from(sha256(another)))
}
