import { describe, expect, test } from 'vitest'
import { haproxyVersion, startHaproxy } from '../../src/servers/haproxy.ts'

const version = await haproxyVersion()

const frontend = (port: number) => `
defaults
    mode http
    timeout client 5s
frontend test
    bind 127.0.0.1:${port}
    http-request return status 200 content-type text/plain string hello
`

describe.skipIf(version === undefined && !process.env.CI)(`haproxy ${version ?? '(not installed)'}`, () => {
  test('serves what it is configured to, and is gone after stop', async () => {
    const haproxy = await startHaproxy(frontend)
    expect(await (await fetch(haproxy.url)).text()).toBe('hello')
    await haproxy.stop()
    await expect(fetch(haproxy.url)).rejects.toThrow()
  })

  test('says what is wrong with a configuration', async () => {
    await expect(startHaproxy(() => 'global\n  no-such-keyword\n')).rejects.toThrow(/no-such-keyword/)
  })
})
