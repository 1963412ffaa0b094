import { requiredVariable, run } from '../service.ts'
import { createUpstream } from './app.ts'

const issuer = requiredVariable('POSTERN_ISSUER')
const audience = requiredVariable('UPSTREAM_AUDIENCE')
await run(createUpstream({ issuer, audience }), requiredVariable('UPSTREAM_PORT'))
