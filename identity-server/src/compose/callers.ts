/** How callers prove who they are, and which keys they hold. */
import { createAuthenticateClient } from '../client-auth/authenticate.ts'
import { certificateMethodNames, clientAuthMethodNames, clientAuthMethods } from '../client-auth/list.ts'
import { createClientSecrets } from '../clients/secret.ts'
import { createSecretUses } from '../clients/secret-uses.ts'
import type { Environment } from '../config.ts'
import { createReadCertificate } from '../http/certificate.ts'
import { createReplayGuard } from '../replay/guard.ts'
import { createDpopVerifier } from '../sender-constraint/dpop.ts'
import { createDpopNonces } from '../sender-constraint/dpop-nonces.ts'
import type { Foundation } from './foundation.ts'
import type { Lookups } from './lookups.ts'
import type { Records } from './records.ts'
import { trustedProxies } from './settings.ts'

const withoutCertificates = clientAuthMethodNames.filter((name) => !certificateMethodNames.includes(name))

export interface CallersOptions {
  environment: Environment
  publicOrigin: string
  lookups: Lookups
  records: Records
  /** ms since the epoch */
  now: () => number
}

export type Callers = ReturnType<typeof createCallers>

export function createCallers({ db, redis, masterKeys }: Foundation, options: CallersOptions) {
  const { environment, publicOrigin, lookups, records, now } = options
  const secrets = createClientSecrets(masterKeys)
  const secretUses = createSecretUses(db)
  const replay = createReplayGuard(db, redis, now)
  const methods = clientAuthMethods({ proof: { secrets, uses: secretUses, now }, keysOf: lookups.keysOf, replay })
  const proxies = trustedProxies(environment)
  const mtls = (environment.POSTERN_MTLS_PORT !== undefined || proxies) && {
    origin: environment.POSTERN_MTLS_PUBLIC_ORIGIN,
  }
  const origins = mtls?.origin === undefined ? [publicOrigin] : [publicOrigin, mtls.origin]
  return {
    secrets,
    secretUses,
    replay,
    mtls,
    clientAuthMethods: mtls ? clientAuthMethodNames : withoutCertificates,
    authenticateClient: createAuthenticateClient(lookups.clients, methods, records.events),
    readCertificate: createReadCertificate(proxies),
    dpop: createDpopVerifier(origins, createDpopNonces(masterKeys), replay),
  }
}
