/** Keys of a trusted issuer that cannot be had: what its JWTs are worth meanwhile, and who learns why. */
import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { createForeignIssuer } from '../support/foreign-issuer.ts'
import { type Answer, postForm } from '../support/http.ts'
import { allowRegistration, tryToRegister } from '../support/registering.ts'
import type { TestServer } from '../support/server.ts'
import { type Tenant, useTenant } from '../support/tenant.ts'
import { until } from '../support/wait.ts'
import { useWrongKeyHost, wrongForGood, wrongForNow } from '../support/wrong-key-host.ts'

const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

describe.each(databases)('a trusted issuer whose jwks_uri is wrong on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  const urlOf = useWrongKeyHost()
  useTenant(
    start,
    async (bench) => {
      ;({ server, tenant } = bench)
      await allowRegistration(server, tenant, { mode: 'open' })
    },
    { environment: { POSTERN_OUTGOING_PRIVATE: 'true' } },
  )

  const expectTryAgain = ({ status, json, headers }: Answer) => {
    expect([status, json, headers.get('retry-after')]).toEqual([
      503,
      { error: 'temporarily_unavailable', error_description: 'the keys of the issuer cannot be had' },
      '1',
    ])
  }
  const isRecorded = async (type: string, reason: string) => {
    const { text } = await server.admin('GET', `/auth-servers/${tenant.id}/events?type=${type}`)
    return text.includes(reason)
  }

  test.each([...wrongForGood, ...wrongForNow])(
    '%s: an assertion is not refused, and the operator told',
    async (path) => {
      const issuer = await createForeignIssuer(server, tenant, { jwks: undefined, jwks_uri: urlOf(path) })
      const client = await tenant.client({ grant_types: [grant_type] })
      const assertion = await issuer.sign()
      expectTryAgain(await postForm(`${tenant.issuer}/token`, { grant_type, assertion }, client))
      const reason = `the keys of the issuer cannot be had: ${new URL(urlOf('/')).host}: `
      expect(server.logs()).toContain(reason.slice(reason.indexOf('127')))
      await until(() => isRecorded('token.refused', reason))

      const jwks = { keys: [issuer.key.publicJwk] }
      await server.admin('PATCH', `/auth-servers/${tenant.id}/trusted-issuers/${issuer.id}`, { jwks, jwks_uri: null })
      const again = await postForm(`${tenant.issuer}/token`, { grant_type, assertion }, client)
      expect(again.status).toBe(200)
    },
  )

  test('neither is a software statement', async () => {
    const members = { trusted_for: ['software_statements'], subject: undefined, scopes: undefined, jwks: undefined }
    const issuer = await createForeignIssuer(server, tenant, { ...members, jwks_uri: urlOf('/gone') })
    const software_statement = await issuer.sign({ software_id: 'robot' })
    expectTryAgain(await tryToRegister(tenant, { software_statement }))
    await until(() => isRecorded('registration.refused', 'the keys of the issuer cannot be had: '))
  })
})
