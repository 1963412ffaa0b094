import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { composeSecrets } from '../../src/compose/secrets.ts'
import { createReadSecret } from '../../src/config/secret.ts'

const changingSecret = composeSecrets({
  readSecret: createReadSecret({ KEY: 'secret' }),
  logger: pino({ level: 'silent' }),
  now: () => 0,
})
const refuse = () => {
  throw new Error('is no key')
}

describe('a secret that cannot be used at the start', () => {
  test('is told with whose it is', () => {
    expect(() => changingSecret('orders key', [{ env: 'KEY' }], refuse)).toThrow(/^orders key: is no key$/)
    expect(() => changingSecret('orders key', [{ env: 'OTHER' }], String)).toThrow(/^orders key: the secret from OTHER/)
  })
})

test('what goes well is what it is', () => {
  expect(changingSecret('orders key', [{ env: 'KEY' }], ([text]) => text).current()).toBe('secret')
})
