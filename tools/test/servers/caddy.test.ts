import { describe, expect, test } from 'vitest'
import { caddyVersion, startCaddy } from '../../src/servers/caddy.ts'

const version = await caddyVersion()

describe.skipIf(version === undefined && !process.env.CI)(`caddy ${version ?? '(not installed)'}`, () => {
  test('serves what it is configured to, and is gone after stop', async () => {
    const caddy = await startCaddy((port) => `http://127.0.0.1:${port} {\n\trespond hello\n}\n`)
    expect(await (await fetch(caddy.url)).text()).toBe('hello')
    await caddy.stop()
    await expect(fetch(caddy.url)).rejects.toThrow()
  })

  test('says what is wrong with a configuration', async () => {
    await expect(startCaddy(() => ':8080 {\n\tno_such_directive\n}\n')).rejects.toThrow(/no_such_directive/)
  })
})
