import { requiredVariable, run } from '../service.ts'
import { createGateway } from './app.ts'

const app = await createGateway({
  sidecarUrl: requiredVariable('SIDECAR_URL'),
  upstreamUrl: requiredVariable('UPSTREAM_URL'),
  policy: requiredVariable('DEMO_POLICY'),
})
await run(app, requiredVariable('GATEWAY_PORT'))
