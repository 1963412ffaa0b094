import { describe, expect, test } from 'vitest'
import { demoSettings } from '../src/settings.ts'

describe('demoSettings', () => {
  test('has the ports of the design where nothing is set', async () => {
    const { ports } = await demoSettings({})
    expect(ports).toEqual({
      identityServer: 4000,
      identityServerOperations: 4001,
      sidecar: 4100,
      sidecarAdmin: 4101,
      sidecarGrpc: 4102,
      gateway: 8000,
      upstream: 4200,
    })
  })

  test('picks a free port for 0', async () => {
    const { ports } = await demoSettings({ GATEWAY_PORT: '0' })
    expect(ports.gateway).toBeGreaterThan(0)
  })

  test.each(['http', '-1', '70000', '80a'])('refuses %j, naming the variable', async (port) => {
    await expect(demoSettings({ GATEWAY_PORT: port })).rejects.toThrow('GATEWAY_PORT')
  })
})
