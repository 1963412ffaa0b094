import { describe, expect, test } from 'vitest'
import { nginxVersion, startNginx } from '../../src/servers/nginx.ts'

const version = await nginxVersion()

describe.skipIf(version === undefined && !process.env.CI)(`nginx ${version ?? '(not installed)'}`, () => {
  test('serves what it is configured to, and is gone after stop', async () => {
    const nginx = await startNginx((port) => `server { listen 127.0.0.1:${port}; return 200 hello; }`)
    expect(await (await fetch(nginx.url)).text()).toBe('hello')
    await nginx.stop()
    await expect(fetch(nginx.url)).rejects.toThrow()
  })

  test('says what is wrong with a configuration', async () => {
    await expect(startNginx(() => 'server { no_such_directive on; }')).rejects.toThrow(/no_such_directive/)
  })
})
