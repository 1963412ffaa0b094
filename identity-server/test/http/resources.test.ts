import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { postForm } from '../support/http.ts'
import { type Tenant, tenantAudience, useTenant } from '../support/tenant.ts'

const [orders, bills] = ['https://orders.example/', 'urn:example:bills']

describe.each(databases)('resource indicators (RFC 8707) on $kind', ({ start }) => {
  let tenant: Tenant
  useTenant(start, (bench) => {
    tenant = bench.tenant
  })

  const audienceOf = async (members: object, form: string) => {
    const client = await tenant.client({ ...members })
    const answer = await postForm(`${tenant.issuer}/token`, `grant_type=client_credentials${form}`, client)
    return answer.status === 200 ? decodeJwt(String(answer.json.access_token)).aud : answer.json.error
  }
  const resource = (text: string) => `&resource=${encodeURIComponent(text)}`

  test('name the audience of the token, one or several', async () => {
    const members = { resources: [orders, bills] }
    expect(await audienceOf(members, resource(orders))).toBe(orders)
    expect(await audienceOf(members, resource(orders) + resource(bills))).toEqual([orders, bills])
    expect(await audienceOf(members, resource(orders) + resource(orders))).toBe(orders)
    expect(await audienceOf(members, resource(''))).toBe(tenantAudience)
    expect(await audienceOf(members, '')).toBe(tenantAudience)
  })

  test('may name the default audience without being allowed it', async () => {
    expect(await audienceOf({ audience: 'urn:mine' }, resource('urn:mine'))).toBe('urn:mine')
  })

  test.each([
    ['not allowed to the client', resource(bills)],
    ['allowed but for a slash at the end', resource('https://orders.example')],
    ['allowed but for its case', resource('https://ORDERS.example/')],
    ['one of two not allowed', resource(orders) + resource(bills)],
    ['no absolute URI', resource('orders')],
    ['a URI with a fragment', resource(`${orders}#a`)],
    ['the default audience of the auth server, where the client has its own', resource(tenantAudience)],
    ['more than can be meant', Array.from({ length: 21 }, (_, index) => resource(`urn:r:${index}`)).join('')],
  ])('are refused with invalid_target: %s', async (_, form) => {
    expect(await audienceOf({ resources: [orders], audience: 'urn:mine' }, form)).toBe('invalid_target')
  })

  test('do not let `audience` name a target at a grant that does not know it', async () => {
    expect(await audienceOf({ resources: [orders] }, `&audience=${encodeURIComponent(orders)}`)).toBe(tenantAudience)
  })
})
