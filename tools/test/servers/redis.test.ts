import { describe, expect, test } from 'vitest'
import { hasRedis, startRedis } from '../../src/servers/redis.ts'

const installed = await hasRedis()

describe.skipIf(!installed && !process.env.CI)(`redis ${installed ? '' : '(not installed)'}`, () => {
  test.each([false, true])(
    'answers, forgets everything in a crash, and is gone after stop (cluster: %s)',
    async (cluster) => {
      const redis = await startRedis({ cluster })
      try {
        await redis.command('set', 'a', 'b')
        expect(await redis.command('get', 'a')).toBe('b')
        await redis.crash()
        await expect(redis.command('ping')).rejects.toThrow()
        await redis.restart()
        expect(await redis.command('get', 'a')).toBe('')
        expect(await redis.command('info', 'cluster')).toContain(`cluster_enabled:${cluster ? 1 : 0}`)
      } finally {
        await redis.stop()
      }
      await expect(redis.command('ping')).rejects.toThrow()
    },
  )

  test('says why it did not start', async () => {
    await expect(startRedis({ arguments: ['--no-such-setting', '1'] })).rejects.toThrow(/no-such-setting/)
  })
})
