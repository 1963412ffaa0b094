/** Builds the identity server from its parts. The only place that knows all of them. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createAccess } from './admin/audited-access.ts'
import { createAuthorizeAdmin } from './admin/authorize.ts'
import { createAuditLog } from './audit/log.ts'
import { createClaimSets } from './claims/claim-sets.ts'
import { createRemoteAttributes } from './claims/sources/remote.ts'
import { createTokenClaims } from './claims/token-claims.ts'
import { createAuthenticateClient } from './client-auth/authenticate.ts'
import { certificateMethodNames, clientAuthMethodNames, clientAuthMethods } from './client-auth/list.ts'
import { createClients } from './clients/clients.ts'
import { createKeysOf } from './clients/keys.ts'
import { createClientSecrets } from './clients/secret.ts'
import { createSecretUses } from './clients/secret-uses.ts'
import { ConfigError, type Environment } from './config.ts'
import { createEventAdmission } from './events/admission.ts'
import { createEventRecorder } from './events/recorder.ts'
import { createEventWriter } from './events/writer.ts'
import type { Grant } from './grants/grant.ts'
import { createLastingGrants } from './grants/lasting.ts'
import { createGrants, grantTypes } from './grants/list.ts'
import { createApp } from './http/app.ts'
import { createReadCertificate, type TrustedProxies } from './http/certificate.ts'
import { listenMtls, type MtlsListener } from './http/mtls.ts'
import { createOperationsApp } from './http/operations.ts'
import type { Retention } from './jobs/forget.ts'
import { createJobs } from './jobs/list.ts'
import { createJobRunner } from './jobs/runner.ts'
import { readMasterKeyFile } from './keys/master-key-file.ts'
import { createMasterKeyUses } from './keys/master-key-use.ts'
import { createMasterKeys, type MasterKeys } from './keys/master-keys.ts'
import { createKeyRings } from './keys/signing-keys.ts'
import { createMetrics } from './metrics.ts'
import { parseNetworks } from './networks.ts'
import { readCaFile } from './outgoing/ca-file.ts'
import { createOutgoingClient, type OutgoingClient } from './outgoing/client.ts'
import { createRemoteJwks } from './outgoing/remote-jwks.ts'
import { createManageClient } from './registration/manage.ts'
import { createRegisterClient } from './registration/register.ts'
import { createVerifySoftwareStatement } from './registration/statement.ts'
import { createReplayGuard } from './replay/guard.ts'
import { createRevocationFeed } from './revocations/feed.ts'
import { createRevocationLog } from './revocations/log.ts'
import { createDpopVerifier } from './sender-constraint/dpop.ts'
import { createDpopNonces } from './sender-constraint/dpop-nonces.ts'
import type { Database } from './store/database.ts'
import { listOrganizationPath } from './store/organizations.ts'
import { openPglite } from './store/pglite.ts'
import { openPostgres } from './store/postgres.ts'
import { openRedis, type RedisStore } from './store/redis.ts'
import { createAuthServers } from './tenancy/auth-servers.ts'
import { bootstrap } from './tenancy/bootstrap.ts'
import { systemAuthServer } from './tenancy/system.ts'
import { createAccessTokens } from './tokens/access-token.ts'
import { createRefreshTokens } from './tokens/refresh-token.ts'
import { currentTraceId } from './tracing.ts'
import { createTrustedIssuers } from './trust/trusted-issuers.ts'

export interface IdentityServer {
  /** Scheme, host and port that it listens on. */
  readonly address: string
  readonly operationsAddress: string
  /** Runs a background job now (`jobs/list.ts`). @throws what it fails with */
  runJob(name: string): Promise<void>
  /** Finishes the requests that are under way, then closes everything. */
  close(): Promise<void>
}

const withoutCertificates = clientAuthMethodNames.filter((name) => !certificateMethodNames.includes(name))

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
export async function startIdentityServer(
  environment: Environment,
  logger: Logger,
  { now = Date.now, longPollingMs = 25_000, scheduleJobs = true, changeGrants = (grants) => grants }: StartOptions = {},
): Promise<IdentityServer> {
  const folder = environment.POSTERN_DATA_DIR
  const db = await openStore(environment)
  const redis = openSharedState(environment)
  try {
    const masterKeys = await openMasterKeys(environment)
    const outgoing = await openOutgoing(environment)
    const closing = new AbortController()
    const metrics = createMetrics()
    const publicOrigin = environment.POSTERN_PUBLIC_ORIGIN ?? defaultOrigin(environment)

    const keepFirstSecret = async (clientId: string, secret: string) => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const path = join(folder, 'admin-client.env')
      const lines = [`POSTERN_ADMIN_CLIENT_ID=${clientId}`, `POSTERN_ADMIN_CLIENT_SECRET=${secret}`, '']
      await writeFile(path, lines.join('\n'), { mode: 0o600, flush: true })
      logger.info({ path }, 'the first admin client was made; its secret is in this file')
    }
    await bootstrap(db, masterKeys, publicOrigin, firstClient(environment), keepFirstSecret, now())

    const events = createEventRecorder({
      write: createEventWriter(db, logger),
      system: systemAuthServer,
      logger,
      now,
      traceId: currentTraceId,
      observe: metrics.observeEvent,
      admit: createEventAdmission(environment.POSTERN_INTROSPECTION_EVENT_SAMPLE, now),
    })
    const audit = createAuditLog(now)
    const authServers = createAuthServers(db, publicOrigin)
    const clients = createClients(db)
    const keyRings = createKeyRings(db, masterKeys)
    // Fails here, and not at the first request, where the master keys are not those of this database.
    await keyRings.get(systemAuthServer)
    const revocations = createRevocationLog(db, now)
    const secrets = createClientSecrets(masterKeys)
    const secretUses = createSecretUses(db)
    const replay = createReplayGuard(db, redis, now)
    const keysOf = createKeysOf(createRemoteJwks(outgoing, now))
    const methods = clientAuthMethods({ proof: { secrets, uses: secretUses, now }, keysOf, replay })
    const authenticateClient = createAuthenticateClient(clients, methods, events)
    const accessTokens = createAccessTokens(db)
    const refreshTokens = createRefreshTokens(masterKeys.createMac('refresh tokens'))
    const lastingGrants = createLastingGrants({ db, refreshTokens, events })
    const remoteAttributes = createRemoteAttributes({
      fetchJson: (url, headers, timeoutMs) => outgoing.fetchJson(url, { headers, timeoutMs }),
      now,
    })
    const claimSources = { masterKeys, askRemote: remoteAttributes.ask, checkUrl: outgoing.checkUrl }
    const proxies = trustedProxies(environment)
    const mtls = (environment.POSTERN_MTLS_PORT !== undefined || proxies) && {
      origin: environment.POSTERN_MTLS_PUBLIC_ORIGIN,
    }
    const readCertificate = createReadCertificate(proxies)
    const origins = mtls?.origin === undefined ? [publicOrigin] : [publicOrigin, mtls.origin]
    const dpop = createDpopVerifier(origins, createDpopNonces(masterKeys), replay)
    const tokenClaims = createTokenClaims(createClaimSets(claimSources), events)
    const authorize = createAuthorizeAdmin({
      publicOrigin,
      accessTokens,
      authServers,
      clients,
      keyRings,
      revocations,
      readCertificate,
      dpop,
      now,
    })

    const masterKeyUses = createMasterKeyUses(masterKeys, logger)
    const jobs = createJobRunner({
      jobs: createJobs({
        db,
        masterKeys,
        masterKeyUses,
        secretUses,
        audit,
        events,
        retention: retentionOf(environment),
      }),
      logger,
      now,
      observe: metrics.observeJob,
    })

    metrics.watch({
      events,
      caches: { auth_servers: authServers, clients, key_rings: keyRings },
      pool: db.pool,
    })

    const trustedIssuers = createTrustedIssuers(db, keysOf)
    const verifyStatement = createVerifySoftwareStatement(trustedIssuers, now)
    const registration = { db, secrets, checkUrl: outgoing.checkUrl, verifyStatement, audit, events, now }

    const app = await createApp({
      logger,
      metrics,
      oauth: {
        lookups: { authServers, keyRings, authenticateClient, readCertificate },
        grants: changeGrants(
          createGrants({ accessTokens, clients, revocations, replay, trustedIssuers, lastingGrants }),
        ),
        lastingGrants,
        grantTypes,
        clientAuthMethods: mtls ? clientAuthMethodNames : withoutCertificates,
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
        checkUrl: outgoing.checkUrl,
        publicOrigin,
        claimSources,
        organizationPath: (id) => db.read('maintenance', (tx) => listOrganizationPath(tx, id)),
        authorize,
        openAccess: createAccess({ db, audit, events }),
        now,
      },
    })
    const operations = createOperationsApp({ logger, metrics, ready: () => answering(db, redis), masterKeyUses })
    const mtlsListener = await openMtls(app, environment, closing.signal, logger)
    const address = await app.listen({ host: environment.POSTERN_HOST, port: environment.POSTERN_PORT })
    const operationsAddress = await operations.listen({
      host: environment.POSTERN_OPERATIONS_HOST,
      port: environment.POSTERN_OPERATIONS_PORT,
    })
    if (scheduleJobs) jobs.start()
    return {
      address,
      operationsAddress,
      runJob: jobs.runOnce,
      async close() {
        closing.abort()
        await Promise.all([app.close(), mtlsListener?.close(), operations.close(), jobs.stop()])
        // After the requests, which record events; before the database, which keeps them.
        await Promise.all([events.close(), outgoing.close(), redis?.close()])
        await secretUses.flush().catch((error: unknown) => logger.warn({ err: error }, 'last uses of secrets are lost'))
        remoteAttributes.close()
        await db.close()
      },
    }
  } catch (error) {
    await redis?.close()
    await db.close()
    throw error
  }
}

function openStore({ DATABASE_URL, POSTERN_DATA_DIR }: Environment): Promise<Database> {
  return DATABASE_URL ? openPostgres(DATABASE_URL) : openPglite(POSTERN_DATA_DIR)
}

function openSharedState({ REDIS_URL, POSTERN_REDIS_CLUSTER }: Environment): RedisStore | undefined {
  return REDIS_URL === undefined ? undefined : openRedis({ url: REDIS_URL, cluster: POSTERN_REDIS_CLUSTER })
}

async function answering(...parts: ({ ping(): Promise<boolean> } | undefined)[]): Promise<boolean> {
  const answers = await Promise.all(parts.map((part) => part?.ping() ?? true))
  return answers.every(Boolean)
}

async function openMasterKeys({ POSTERN_MASTER_KEYS, POSTERN_DATA_DIR }: Environment): Promise<MasterKeys> {
  return createMasterKeys(POSTERN_MASTER_KEYS?.split(',') ?? (await readMasterKeyFile(POSTERN_DATA_DIR)))
}

async function openOutgoing(environment: Environment): Promise<OutgoingClient> {
  const { POSTERN_OUTGOING_PRIVATE: allowPrivate, POSTERN_OUTGOING_CA_FILE: file } = environment
  return createOutgoingClient({ allowPrivate, ...(file !== undefined && { ca: await readCaFile(file) }) })
}

async function openMtls(
  app: FastifyInstance,
  environment: Environment,
  closing: AbortSignal,
  logger: Logger,
): Promise<MtlsListener | undefined> {
  const { POSTERN_HOST: host, POSTERN_MTLS_PORT: port, POSTERN_MTLS_CLIENT_CA_FILE: clientCa } = environment
  const { POSTERN_TLS_CERT_FILE: certificate, POSTERN_TLS_KEY_FILE: key } = environment
  if (port === undefined || certificate === undefined || key === undefined) return undefined
  return listenMtls(app, { host, port, files: { certificate, key, clientCa }, closing, logger })
}

function trustedProxies(environment: Environment): TrustedProxies | undefined {
  const { POSTERN_TRUSTED_PROXIES: text, POSTERN_TRUSTED_PROXIES_VERIFY: verify } = environment
  const networks = text === undefined ? undefined : parseNetworks(text)
  return networks && { networks, verify }
}

function retentionOf({ POSTERN_EVENT_RETENTION_DAYS, POSTERN_AUDIT_RETENTION_DAYS }: Environment): Retention {
  return { eventDays: POSTERN_EVENT_RETENTION_DAYS, auditDays: POSTERN_AUDIT_RETENTION_DAYS }
}

function firstClient({ POSTERN_ADMIN_CLIENT_ID, POSTERN_ADMIN_CLIENT_SECRET }: Environment) {
  return { id: POSTERN_ADMIN_CLIENT_ID, secret: POSTERN_ADMIN_CLIENT_SECRET }
}

function defaultOrigin({ POSTERN_HOST, POSTERN_PORT }: Environment): string {
  if (POSTERN_PORT === 0) throw new ConfigError('POSTERN_PUBLIC_ORIGIN is required where POSTERN_PORT is 0')
  return `http://${POSTERN_HOST.includes(':') ? `[${POSTERN_HOST}]` : POSTERN_HOST}:${POSTERN_PORT}`
}
