import autocannon from 'autocannon'
import { memberOf } from '../form.ts'
import { demoRequest, identityServer, tokenRequest } from './demo-client.ts'
import { introspection } from './introspection.ts'
import type { Scenario } from './scenario.ts'

const amount = 4_000

/** Introspection of JWTs that were never seen before: as `introspection`, and an ES256 signature verified each time. */
export const firstIntrospection: Scenario = {
  name: 'first-introspection',
  against: introspection,
  async prepare(targets) {
    const { origin, pid } = identityServer(targets)
    const tokens: string[] = []
    const onResponse = (_status: number, body: string) => void tokens.push(memberOf(body, 'access_token'))
    await autocannon({ url: origin, requests: [{ ...tokenRequest(targets), onResponse }], connections: 32, amount })
    let asked = 0
    const next = () => tokens[asked++ % tokens.length] ?? ''
    return { origin, pid, amount, request: () => demoRequest(targets, 'introspect', { token: next() }) }
  },
}
