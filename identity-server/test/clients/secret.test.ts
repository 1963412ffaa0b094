import { describe, expect, test } from 'vitest'
import { createClientSecrets, generateClientSecret, importedKey, type StoredSecret } from '../../src/clients/secret.ts'
import { createMasterKeys, generateMasterKey } from '../../src/keys/master-keys.ts'

const [first, second] = [generateMasterKey(), generateMasterKey()]
const secrets = createClientSecrets(createMasterKeys([first]))

const stored = (id: string, kept: Pick<StoredSecret, 'hash' | 'hashKey'>, expiresAt?: number): StoredSecret => ({
  id,
  ...kept,
  expiresAt,
  encrypted: undefined,
})

describe('client secrets', () => {
  test('are found among several, and only by themselves', async () => {
    const [a, b] = [generateClientSecret(), generateClientSecret()]
    const kept = [stored('a', secrets.keep(a)), stored('b', secrets.keep(b))]
    expect((await secrets.find(a, kept, 0))?.id).toBe('a')
    expect((await secrets.find(b, kept, 0))?.id).toBe('b')
    expect(await secrets.find(`${a} `, kept, 0)).toBeUndefined()
    expect(await secrets.find('', kept, 0)).toBeUndefined()
    expect(await secrets.find(a, [], 0)).toBeUndefined()
  })

  test('are found without a promise where none is imported', () => {
    const secret = generateClientSecret()
    expect(secrets.find(secret, [stored('a', secrets.keep(secret))], 0)).toMatchObject({ id: 'a' })
  })

  test('expire, to the millisecond', async () => {
    const secret = generateClientSecret()
    const kept = [stored('a', secrets.keep(secret), 1_000)]
    expect((await secrets.find(secret, kept, 999))?.id).toBe('a')
    expect(await secrets.find(secret, kept, 1_000)).toBeUndefined()
  })

  test('are of no use under other master keys, and of use under a list that holds theirs', async () => {
    const secret = generateClientSecret()
    const kept = [stored('a', secrets.keep(secret))]
    expect(await createClientSecrets(createMasterKeys([second])).find(secret, kept, 0)).toBeUndefined()
    expect((await createClientSecrets(createMasterKeys([second, first])).find(secret, kept, 0))?.id).toBe('a')
  })

  test('that were imported are kept as scrypt hashes, salted, and found; later much faster, and still only themselves', async () => {
    const kept = await secrets.keepImported('hunter-2-hunter-2')
    expect(kept.hashKey).toBe(importedKey)
    expect(kept.hash).toMatch(/^32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/)
    expect((await secrets.keepImported('hunter-2-hunter-2')).hash).not.toBe(kept.hash)
    const rows = [stored('new', secrets.keep(generateClientSecret())), stored('old', kept)]

    const time = async () => {
      const begun = performance.now()
      expect((await secrets.find('hunter-2-hunter-2', rows, 0))?.id).toBe('old')
      return performance.now() - begun
    }
    const slow = await time()
    expect(await time()).toBeLessThan(slow / 10)
    expect(await secrets.find('hunter-2-hunter-3', rows, 0)).toBeUndefined()
    expect(await secrets.find('hunter-2-hunter-2', [stored('old', kept, 5)], 5)).toBeUndefined()
  })

  test('that were imported cannot be asked about by too many at once', async () => {
    const kept = [stored('old', await secrets.keepImported('a-secret-of-old'))]
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => secrets.find(`guess-number-${index}`, kept, 0)),
    )
    const refused = answers.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(8)
    expect(refused[0]).toMatchObject({ reason: { code: 'temporarily_unavailable' } })
    expect((await secrets.find('a-secret-of-old', kept, 0))?.id).toBe('old')
  })

  test('come back from their encryption for their own row only', () => {
    const context = { authServer: 'a', client: 'c', secret: 's' }
    const encrypted = secrets.encrypt('the secret', context)
    expect(secrets.decrypt(encrypted, context).toString()).toBe('the secret')
    for (const other of [{ authServer: 'b' }, { client: 'd' }, { secret: 't' }]) {
      expect(() => secrets.decrypt(encrypted, { ...context, ...other })).toThrow()
    }
  })
})
