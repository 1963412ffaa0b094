/** Writes `.env` with random secrets for docker-compose.yml; one that is there stays, since the database knows them. */
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const file = join(import.meta.dirname, '..', '.env')
const random = () => randomBytes(32).toString('base64url')

if (existsSync(file)) {
  console.log('.env is there already, and stays')
} else {
  const names = ['POSTGRES_PASSWORD', 'POSTERN_MASTER_KEYS', 'POSTERN_ADMIN_CLIENT_SECRET']
  writeFileSync(file, names.map((name) => `${name}=${random()}\n`).join(''), { mode: 0o600 })
  console.log('.env was written')
}
