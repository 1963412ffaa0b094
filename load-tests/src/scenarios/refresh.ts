import { memberOf } from '../form.ts'
import { identityServer } from './demo-client.ts'
import { refreshingClient } from './refreshing-client.ts'
import type { Scenario } from './scenario.ts'
import { tokenIssuance } from './token-issuance.ts'

/** More than there are connections by default: each has one under way, and the rest wait for their turn. */
const grants = 256

/** Refreshes: a grant read and its token rotated in the database, an ES256 JWT signed, each time. */
export const refresh: Scenario = {
  name: 'refresh',
  against: tokenIssuance,
  async prepare(targets) {
    const client = await targets.part(refreshingClient)
    const tokens = await Promise.all(Array.from({ length: grants }, () => client.begin()))
    const next = () => {
      const token = tokens.shift()
      if (token === undefined) throw new Error(`refresh is measured with less than ${grants} connections`)
      return token
    }
    return {
      ...identityServer(targets),
      request: () => client.refresh(next()),
      answered: (body) => void tokens.push(memberOf(body, 'refresh_token')),
    }
  },
}
