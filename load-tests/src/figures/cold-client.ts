import { createClients } from '@postern/identity-server/clients/clients'
import { generateClientSecret } from '@postern/identity-server/clients/secret'
import { createMasterKeys, generateMasterKey } from '@postern/identity-server/keys/master-keys'
import { openPostgres } from '@postern/identity-server/store/postgres'
import pg from 'pg'
import { clientNumber, seedTenants } from '../scale/seed.ts'
import type { Figure } from './figure.ts'

const scale = { authServers: 10, clients: 500 }

/** Queries that the identity server sends for a client that it does not know yet, counted at the driver. */
export const coldClient: Figure = {
  name: 'cold-client-look-up',
  unit: 'queries',
  atMost: 1,
  async measure({ postgres }) {
    if (!postgres) throw new Error('queries are counted on PostgreSQL, which is not installed')
    const url = await postgres.createDatabase('cold_client')
    const db = await openPostgres(url)
    try {
      await seedTenants(url, createMasterKeys([generateMasterKey()]), scale, generateClientSecret())
      const clients = createClients(db)
      const sent = countQueries()
      for (let index = 0; index < scale.clients; index++) {
        const { authServer, id } = clientNumber(index, scale)
        if (!(await clients.get(authServer, id))) throw new Error(`${id} was not found`)
      }
      return sent.stop() / scale.clients
    } finally {
      await db.close()
    }
  },
}

function countQueries(): { stop(): number } {
  const { query } = pg.Client.prototype
  let count = 0
  pg.Client.prototype.query = function (this: pg.Client, ...sent: unknown[]) {
    // What is asked now and then whatever clients do is none of a look-up.
    if (!/pg_notify|select 1$/.test(textOf(sent[0]))) count += 1
    return Reflect.apply(query, this, sent)
  }
  return {
    stop() {
      pg.Client.prototype.query = query
      return count
    },
  }
}

function textOf(sent: unknown): string {
  if (typeof sent === 'string') return sent
  return typeof sent === 'object' && sent !== null && 'text' in sent ? String(sent.text) : ''
}
