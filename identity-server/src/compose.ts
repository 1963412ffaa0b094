/** Builds the identity server, of what `compose/` builds of its parts, and listens. */
import type { Logger } from 'pino'
import { createAccess } from './admin/audited-access.ts'
import { createAuthorizeAdmin } from './admin/authorize.ts'
import { createCallers } from './compose/callers.ts'
import { makeFirstStart } from './compose/first-start.ts'
import { onFoundation } from './compose/foundation.ts'
import { listen } from './compose/listening.ts'
import { openLookups } from './compose/lookups.ts'
import { createRecords } from './compose/records.ts'
import { publicOriginOf, retentionOf } from './compose/settings.ts'
import { createTokens } from './compose/tokens.ts'
import type { Environment } from './config.ts'
import type { Grant } from './grants/grant.ts'
import { grantTypes } from './grants/list.ts'
import { createApp } from './http/app.ts'
import { createOperationsApp } from './http/operations.ts'
import { createJobs } from './jobs/list.ts'
import { createJobRunner } from './jobs/runner.ts'
import { createMasterKeyUses } from './keys/master-key-use.ts'
import { createMetrics } from './metrics.ts'
import { createManageClient } from './registration/manage.ts'
import { createRegisterClient } from './registration/register.ts'
import { createVerifySoftwareStatement } from './registration/statement.ts'
import { createRevocationFeed } from './revocations/feed.ts'
import { listOrganizationPath } from './store/organizations.ts'

export interface IdentityServer {
  /** Scheme, host and port that it listens on. */
  readonly address: string
  readonly operationsAddress: string
  /** Runs a background job now (`jobs/list.ts`). @throws what it fails with */
  runJob(name: string): Promise<void>
  /** Finishes the requests that are under way, then closes everything. */
  close(): Promise<void>
}

/** What is as it should be unless somebody, such as a test, wants it otherwise. */
export interface StartOptions {
  /** ms since the epoch */
  now?: (() => number) | undefined
  /** How long a poll of the revocation feed waits for news. */
  longPollingMs?: number | undefined
  /** Whether background jobs run by themselves. */
  scheduleJobs?: boolean | undefined
  /** Replaces grants of `grants/list.ts`. */
  changeGrants?: ((grants: Grant[]) => Grant[]) | undefined
}

/**
 * Opens the store, brings it up to date and listens.
 * @throws Error where a port, the store or a master key cannot be used
 */
export function startIdentityServer(
  environment: Environment,
  logger: Logger,
  { now = Date.now, longPollingMs = 25_000, scheduleJobs = true, changeGrants = (grants) => grants }: StartOptions = {},
): Promise<IdentityServer> {
  return onFoundation(environment, async (foundation) => {
    const { db, redis, masterKeys, outgoing } = foundation
    const closing = new AbortController()
    const metrics = createMetrics()
    const publicOrigin = publicOriginOf(environment)
    await makeFirstStart(foundation, { environment, publicOrigin, logger, now: now() })

    const records = createRecords(foundation, { environment, logger, metrics, now })
    const lookups = await openLookups(foundation, publicOrigin, now)
    const callers = createCallers(foundation, { environment, publicOrigin, lookups, records, now })
    const tokens = createTokens(foundation, { lookups, records, callers, now })
    const { events, audit } = records
    const { authServers, clients, keyRings, revocations } = lookups
    const { secrets, secretUses, authenticateClient, readCertificate, dpop, mtls } = callers
    const { accessTokens, refreshTokens, lastingGrants, tokenClaims, claimSources } = tokens
    const { checkUrl } = outgoing

    const masterKeyUses = createMasterKeyUses(masterKeys, logger)
    const retention = retentionOf(environment)
    const jobs = createJobRunner({
      jobs: createJobs({ db, masterKeys, masterKeyUses, secretUses, audit, events, retention }),
      logger,
      now,
      observe: metrics.observeJob,
    })
    metrics.watch({ events, caches: { auth_servers: authServers, clients, key_rings: keyRings }, pool: db.pool })

    const verifyStatement = createVerifySoftwareStatement(lookups.trustedIssuers, now)
    const registration = { db, secrets, checkUrl, verifyStatement, audit, events, now }
    const app = await createApp({
      logger,
      metrics,
      oauth: {
        lookups: { authServers, keyRings, authenticateClient, readCertificate },
        grants: changeGrants(tokens.grants),
        lastingGrants,
        grantTypes,
        clientAuthMethods: callers.clientAuthMethods,
        mtls,
        accessTokens,
        tokenClaims,
        dpop,
        introspector: { db, accessTokens, refreshTokens, clients, revocations, tokenClaims },
        refreshTokens,
        registerClient: createRegisterClient(registration),
        manageClient: createManageClient(registration),
        feed: createRevocationFeed(revocations),
        clients,
        db,
        events,
        longPollingMs,
        closing: closing.signal,
        now,
      },
      admin: {
        masterKeys,
        secrets,
        checkUrl,
        publicOrigin,
        claimSources,
        organizationPath: (id) => db.read('maintenance', (tx) => listOrganizationPath(tx, id)),
        authorize: createAuthorizeAdmin({ publicOrigin, accessTokens, ...lookups, readCertificate, dpop, now }),
        openAccess: createAccess({ db, audit, events }),
        now,
      },
    })
    const operations = createOperationsApp({ logger, metrics, ready: foundation.ready, masterKeyUses })
    const listening = await listen({ app, operations, environment, closing: closing.signal, logger })
    if (scheduleJobs) jobs.start()
    return {
      address: listening.address,
      operationsAddress: listening.operationsAddress,
      runJob: jobs.runOnce,
      async close() {
        closing.abort()
        await Promise.all([listening.close(), jobs.stop()])
        // After the requests, which record events; before the database, which keeps them.
        await Promise.all([events.close(), outgoing.close(), redis?.close()])
        await secretUses.flush().catch((error: unknown) => logger.warn({ err: error }, 'last uses of secrets are lost'))
        tokens.remoteAttributes.close()
        await db.close()
      },
    }
  })
}
