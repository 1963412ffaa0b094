import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorizationOf, encryptCredential } from '../../src/claims/sources/credential.ts'
import { createClientSecrets } from '../../src/clients/secret.ts'
import { reencrypt } from '../../src/jobs/re-encrypt.ts'
import { createMasterKeyUses, type MasterKeyUses } from '../../src/keys/master-key-use.ts'
import { createMasterKeys, generateMasterKey, type MasterKeys } from '../../src/keys/master-keys.ts'
import { createKeyRings, createSigningKey } from '../../src/keys/signing-keys.ts'
import { findAttributeSource, insertAttributeSource, updateAttributeSource } from '../../src/store/attribute-sources.ts'
import { insertAuthServer } from '../../src/store/auth-servers.ts'
import { insertClientSecret, listClientSecrets } from '../../src/store/client-secrets.ts'
import type { Database, Tx } from '../../src/store/database.ts'
import { insertOrganization } from '../../src/store/organizations.ts'
import { databases, type Store } from '../support/databases.ts'

const start = Date.parse('2030-01-01')
const never = new AbortController().signal
const [oldKey, otherKey, freshKey] = [generateMasterKey(), generateMasterKey(), generateMasterKey()]
const origin = 'https://attributes.example.test/'
const everything = { after: undefined, limit: 1_000 }

describe.each(databases)('re-encryption on $kind', ({ start: startStore }) => {
  let store: Store
  let db: Database
  let logged: string[]
  let count = 0

  beforeAll(async () => {
    store = await startStore()
    db = await store.open(await store.create())
    const root = { id: 'root', parent_id: null, ancestors: ['root'], name: 'Root' }
    await db.write({ organization: 'root' }, (tx) => insertOrganization(tx, root))
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  const write = <T>(id: string, work: (tx: Tx) => Promise<T>) => db.write({ authServer: id }, work)

  /** An auth server with a signing key, a client's secrets and a source's credential, under the first of the keys. */
  async function newAuthServer(masterKeys: MasterKeys, secrets = 1): Promise<string> {
    count += 1
    const id = `as-${count}`
    const clientSecrets = createClientSecrets(masterKeys)
    await db.write({ organization: 'root', authServer: id }, async (tx) => {
      const row = { id, organization_id: 'root', name: id, description: '', audience: id, access_token_lifetime: 60 }
      await insertAuthServer(tx, { ...row, signing_algorithm: 'ES256' })
      await createSigningKey(tx, id, masterKeys, 'ES256', { state: 'active', activatesAt: start })
      await sql`insert into clients values (${id}, 'c', 'C', true, '{}', '{}', null, null, false)`.execute(tx)
      for (let index = 0; index < secrets; index += 1) {
        const secret = `s${index}`
        const { hash, hashKey } = clientSecrets.keep(`secret ${index}`)
        const { ciphertext, keyId } = clientSecrets.encrypt(`secret ${index}`, { authServer: id, client: 'c', secret })
        const times = { expires_at: new Date(start + 1_000), expiry_told_at: null }
        const encrypted = { ciphertext, encryption_key: keyId }
        await insertClientSecret(tx, id, {
          id: secret,
          client_id: 'c',
          name: '',
          hash,
          hash_key: hashKey,
          ...encrypted,
          ...times,
        })
      }
      const credential = encryptCredential(masterKeys, id, 'source', origin, { type: 'bearer', token: 'abc' })
      const configuration = JSON.stringify({ url: `${origin}users/\${client.id}` })
      await insertAttributeSource(tx, id, {
        name: 'source',
        kind: 'http',
        configuration,
        on_failure: 'fail',
        ...credential,
      })
    })
    return id
  }

  /** What can be read with these keys. */
  async function read(id: string, masterKeys: MasterKeys) {
    const { secrets, source } = await db.read({ authServer: id }, async (tx) => ({
      secrets: await listClientSecrets(tx, id, 'c', everything),
      source: await findAttributeSource(tx, id, 'source'),
    }))
    const clientSecrets = createClientSecrets(masterKeys)
    return {
      token: await (await createKeyRings(db, masterKeys).get(id))?.active.sign('at+jwt', {}),
      secrets: secrets.map(({ id: secret, ciphertext, encryption_key }) =>
        clientSecrets
          .decrypt(
            { keyId: encryption_key ?? '', ciphertext: ciphertext ?? Buffer.alloc(0) },
            { authServer: id, client: 'c', secret },
          )
          .toString(),
      ),
      authorization: source && authorizationOf(masterKeys, source, origin),
    }
  }

  function run(masterKeys: MasterKeys, now = start): Promise<MasterKeyUses> {
    logged = []
    const log = (level: string) => (line: unknown, message?: string) =>
      void logged.push(`${level} ${message ?? line} ${message === undefined ? '' : JSON.stringify(line)}`.trim())
    const uses = createMasterKeyUses(masterKeys, { error: log('error'), warn: log('warn'), info: log('info') })
    return reencrypt(db, masterKeys, uses)
      .run(now, never)
      .then(() => uses)
  }

  test('leaves nothing under an old key but hashes, whose use ends when the secrets expire', async () => {
    const old = createMasterKeys([oldKey])
    const ids = [await newAuthServer(old, 3), await newAuthServer(old)]
    const both = createMasterKeys([freshKey, oldKey])
    expect((await run(both)).needed()).toBe('old')
    expect(logged).toEqual([
      'warn old master keys are still needed {"found":[{"master_key":2,"rows":"client_secret_hashes","count":4}]}',
    ])
    const alone = createMasterKeys([freshKey])
    for (const id of ids) {
      expect(await read(id, alone)).toEqual({
        token: expect.any(String),
        secrets: id === ids[0] ? ['secret 0', 'secret 1', 'secret 2'] : ['secret 0'],
        authorization: 'Bearer abc',
      })
    }
    expect((await run(alone)).needed()).toBe('missing')
    expect(logged[0]).toContain('error master keys are needed that are not in the list')
    expect((await run(both, start + 1_000)).needed()).toBe('current')
    expect(logged).toEqual(['info only the first master key is needed: the others may be taken off the list'])
    expect((await run(alone, start + 1_000)).needed()).toBe('current')
    expect(logged).toEqual([])
  })

  test('goes on after a batch, and converts each row once though replicas run at once', async () => {
    const id = await newAuthServer(createMasterKeys([oldKey]), 450)
    const both = createMasterKeys([freshKey, oldKey])
    let encrypted = 0
    const counting: MasterKeys = {
      ...both,
      encrypt(...content) {
        encrypted += 1
        return both.encrypt(...content)
      },
    }
    await Promise.all([run(counting), run(counting)])
    expect(encrypted).toBe(452)
    expect((await read(id, createMasterKeys([freshKey]))).secrets).toHaveLength(450)
  })

  test('cannot convert what is under a key that is not in the list, and says so; the rest it does', async () => {
    const lost = await newAuthServer(createMasterKeys([otherKey]))
    const sound = await newAuthServer(createMasterKeys([oldKey]))
    expect((await run(createMasterKeys([freshKey, oldKey]), start + 1_000)).needed()).toBe('missing')
    expect(await read(sound, createMasterKeys([freshKey]))).toMatchObject({ authorization: 'Bearer abc' })
    await expect(read(lost, createMasterKeys([freshKey]))).rejects.toThrow('is not in the list')
    const all = createMasterKeys([freshKey, oldKey, otherKey])
    expect((await run(all, start + 1_000)).needed()).toBe('current')
    expect(await read(lost, createMasterKeys([freshKey]))).toMatchObject({ secrets: ['secret 0'] })
  })

  test('does not carry over a ciphertext that was moved or changed, and does the others', async () => {
    const old = createMasterKeys([oldKey])
    const [broken, sound] = [await newAuthServer(old), await newAuthServer(old)]
    const { credential } = encryptCredential(old, sound, 'source', origin, { type: 'bearer', token: 'abc' })
    await write(broken, (tx) => updateAttributeSource(tx, broken, 'source', { credential }))
    const both = createMasterKeys([freshKey, oldKey])
    await expect(run(both, start + 1_000)).rejects.toThrow('some rows could not be encrypted anew')
    expect(logged).toEqual([
      'warn old master keys are still needed {"found":[{"master_key":2,"rows":"attribute_sources","count":1}]}',
    ])
    expect(await read(sound, createMasterKeys([freshKey]))).toMatchObject({ authorization: 'Bearer abc' })
    await write(broken, (tx) => updateAttributeSource(tx, broken, 'source', { credential: null, encryption_key: null }))
  })

  test('does not bring back what an admin replaced meanwhile', async () => {
    const old = createMasterKeys([oldKey])
    const id = await newAuthServer(old)
    const both = createMasterKeys([freshKey, oldKey])
    const replaced = encryptCredential(both, id, 'source', origin, { type: 'bearer', token: 'new' })
    await Promise.all([run(both), write(id, (tx) => updateAttributeSource(tx, id, 'source', replaced)), run(both)])
    expect(await read(id, createMasterKeys([freshKey]))).toMatchObject({ authorization: 'Bearer new' })
  })

  test('maintenance sees under which key a row is, and not what it holds', async () => {
    const attempts: ((tx: Tx) => Promise<unknown>)[] = [
      (tx) => tx.selectFrom('attribute_sources').select('credential').execute(),
      (tx) => tx.selectFrom('client_secrets').select('ciphertext').execute(),
      (tx) => tx.selectFrom('signing_keys').select('private_key').execute(),
      (tx) => tx.updateTable('attribute_sources').set({ encryption_key: 'x' }).execute(),
    ]
    for (const attempt of attempts) {
      await expect(db.commit('maintenance', attempt)).rejects.toMatchObject({ kind: 'unknown_reference' })
    }
  })
})
