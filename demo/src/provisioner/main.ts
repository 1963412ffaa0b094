/** Where the parts run as containers: provisions the demo once, and ends. */
import { provision } from '../provision.ts'
import { requiredVariable } from '../service.ts'
import { demoSettings } from '../settings.ts'

const settings = await demoSettings(process.env)
const admin = {
  id: requiredVariable('POSTERN_ADMIN_CLIENT_ID'),
  secret: requiredVariable('POSTERN_ADMIN_CLIENT_SECRET'),
}
const { envFile } = await (await provision({ ...settings, admin })).publish()
console.log(`provisioned; ${envFile} has the variables`)
