import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { startSidecar } from '../../src/compose.ts'
import { parseConfig } from '../../src/config/load.ts'
import { createReadSecret } from '../../src/config/secret.ts'

const start = (nonce: string) =>
  startSidecar(
    parseConfig(
      `
listen: { tcp: 127.0.0.1:0 }
admin: { tcp: 127.0.0.1:0 }
issuers: { demo: { issuer: https://issuer.invalid, audience: [api] } }
policies:
  demo: { issuers: [demo], dpop: { origin_from_gateway: true, nonce: ${nonce} } }
`,
      'test.yaml',
    ),
    { logger: pino({ level: 'silent' }), readSecret: createReadSecret({ SHORT: 'under-32', LONG: 'x'.repeat(32) }) },
  )

describe('the secret of nonces', () => {
  test('has 32 characters or more', async () => {
    await expect(start('{ secret: { env: SHORT } }')).rejects.toThrow('demo has under 32 characters')
    const sidecar = await start('{ secret: { env: LONG } }')
    await sidecar.close()
  })

  test('must be there, and no message shows it', async () => {
    await expect(start('{ secret: { env: MISSING } }')).rejects.toThrow(/MISSING/)
    const error = await start('{ secret: { env: SHORT } }').catch((thrown: unknown) => String(thrown))
    expect(error).not.toContain('under-32')
  })
})
