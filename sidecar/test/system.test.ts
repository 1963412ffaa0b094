/** The sidecar beside the real identity server, as `npm start` sets the two up. */

import { demoSettings } from '@postern/demo/settings'
import { type RunningSystem, startSystem } from '@postern/demo/system'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let system: RunningSystem | undefined

beforeAll(async () => {
  folder = await temporaryFolder('system')
  const ports = [
    'POSTERN_PORT',
    'POSTERN_OPERATIONS_PORT',
    'SIDECAR_PORT',
    'SIDECAR_ADMIN_PORT',
    'GATEWAY_PORT',
    'UPSTREAM_PORT',
  ]
  const settings = await demoSettings({
    ...Object.fromEntries(ports.map((name) => [name, '0'])),
    POSTERN_DATA_DIR: folder.path,
  })
  system = await startSystem(settings, { report: () => undefined, starting: () => undefined, ended: () => undefined })
}, 90_000)

afterAll(async () => {
  await system?.stop()
  await folder.remove()
})

const v = (name: string) => system?.variables[name] ?? ''
const form = (parameters: Record<string, string>) => ({
  method: 'POST',
  headers: { authorization: `Basic ${btoa(`${v('DEMO_CLIENT_ID')}:${v('DEMO_CLIENT_SECRET')}`)}` },
  body: new URLSearchParams(parameters),
})
const ask = (token: string) =>
  fetch(`${v('SIDECAR_URL')}/v1/forward-auth/${v('DEMO_POLICY')}`, { headers: { authorization: `Bearer ${token}` } })

async function accessToken(): Promise<string> {
  const response = await fetch(v('POSTERN_TOKEN_ENDPOINT'), form({ grant_type: 'client_credentials' }))
  return String(((await response.json()) as { access_token: string }).access_token)
}

describe('beside the real identity server', () => {
  test('its tokens are accepted, and refused within a second of their revocation', async () => {
    const token = await accessToken()
    expect((await ask(token)).status).toBe(200)
    expect((await fetch(`${v('POSTERN_ISSUER')}/revoke`, form({ token }))).status).toBe(200)
    const begun = performance.now()
    while ((await ask(token)).status === 200) expect(performance.now() - begun).toBeLessThan(1_000)
  })

  test('one revocation is no other', async () => {
    const [revoked, other] = [await accessToken(), await accessToken()]
    await fetch(`${v('POSTERN_ISSUER')}/revoke`, form({ token: revoked }))
    expect((await ask(other)).status).toBe(200)
  })

  test('an opaque token that it never issued is introspected and refused', async () => {
    const answer = await ask('never-issued')
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ error_description: 'the token is not active' })
  })

  test('a token of another of its auth servers is refused', async () => {
    const response = await fetch(v('POSTERN_ADMIN_TOKEN_ENDPOINT'), {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${v('POSTERN_ADMIN_CLIENT_ID')}:${v('POSTERN_ADMIN_CLIENT_SECRET')}`)}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    const { access_token } = (await response.json()) as { access_token: string }
    expect((await ask(access_token)).status).toBe(401)
  })
})
