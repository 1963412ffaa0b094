/** The sidecar beside the real identity server, as `npm start` sets the two up. */

import { demoSettings, freePorts } from '@postern/demo/settings'
import { type RunningSystem, startSystem } from '@postern/demo/system'
import { temporaryFolder } from '@postern/tools/servers/process'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let system: RunningSystem | undefined

beforeAll(async () => {
  folder = await temporaryFolder('system')
  const settings = await demoSettings({
    ...freePorts,
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

async function adminToken(): Promise<string> {
  const response = await fetch(v('POSTERN_ADMIN_TOKEN_ENDPOINT'), {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${v('POSTERN_ADMIN_CLIENT_ID')}:${v('POSTERN_ADMIN_CLIENT_SECRET')}`)}`,
    },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
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
    expect((await ask(await adminToken())).status).toBe(401)
  })

  test('whatever an admin ends is refused within a second: all of a client, all that a key has signed', async () => {
    const authServer = v('POSTERN_ISSUER').replace(/^.*\//, '')
    const admin = async (method: string, path: string, body?: object) =>
      fetch(`${v('POSTERN_ADMIN_URL')}/auth-servers/${authServer}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${await adminToken()}`,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
    const untilRefused = async (token: string) => {
      const begun = performance.now()
      while ((await ask(token)).status === 200) expect(performance.now() - begun).toBeLessThan(1_000)
    }
    const first = await accessToken()
    expect((await ask(first)).status).toBe(200)
    expect((await admin('POST', '/revocations', { kind: 'client', value: v('DEMO_CLIENT_ID') })).status).toBe(201)
    await untilRefused(first)

    // A token of the same second would be revoked as well.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const second = await accessToken()
    expect((await ask(second)).status).toBe(200)
    const { kid } = decodeProtectedHeader(second)
    expect((await admin('DELETE', `/keys/${kid}`)).status).toBe(204)
    await untilRefused(second)
  })
})
