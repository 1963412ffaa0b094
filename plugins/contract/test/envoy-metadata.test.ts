/** What Envoy's other filters and its access log are told over gRPC (plugins/envoy/README.md has the same snippets). */
import { envoyVersion } from '@postern/tools/servers/envoy'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isSeq } from 'yaml'
import { manager, startWithFile, type YamlDocument } from '../gateways/envoy-file.ts'
import { identityHeaders, routes } from '../harness/sidecar.ts'
import { type Stage, startStage } from '../harness/stage.ts'

const filter = 'envoy.filters.http.ext_authz'
const type = 'type.googleapis.com/envoy.extensions'

/** Lets pass who has a scope and comes from a tenant. */
const rbac = {
  name: 'envoy.filters.http.rbac',
  typed_config: {
    '@type': `${type}.filters.http.rbac.v3.RBAC`,
    rules: {
      action: 'ALLOW',
      policies: {
        writers: {
          permissions: [{ any: true }],
          principals: [
            {
              and_ids: {
                ids: [
                  metadata(['claims', 'scope'], {
                    list_match: { one_of: { string_match: { exact: 'orders:write' } } },
                  }),
                  metadata(['claims', 'tenant', 'id'], { string_match: { exact: 'acme' } }),
                ],
              },
            },
          ],
        },
      },
    },
  },
}

function metadata(path: string[], value: object): object {
  return { metadata: { filter, path: path.map((key) => ({ key })), value } }
}

const accessLog = {
  name: 'envoy.access_loggers.stdout',
  typed_config: {
    '@type': `${type}.access_loggers.stream.v3.StdoutAccessLog`,
    log_format: {
      text_format_source: {
        inline_string: `log %REQ(:PATH)% %RESPONSE_CODE% %DYNAMIC_METADATA(${filter}:policy)% %DYNAMIC_METADATA(${filter}:claims:sub)% %DYNAMIC_METADATA(${filter}:claims:scope)% %DYNAMIC_METADATA(${filter}:error)%\n`,
      },
    },
  },
}

function withRbacAndLog(document: YamlDocument): void {
  const filters = document.getIn([...manager, 'http_filters'])
  if (!isSeq(filters)) throw new Error('there are no filters any more')
  filters.items.splice(1, 0, document.createNode(rbac))
  document.setIn([...manager, 'access_log'], [accessLog])
}

const isInstalled = process.env.CI === 'true' || (await envoyVersion()) !== undefined

describe.skipIf(!isInstalled)('over gRPC, Envoy', () => {
  let stage: Stage
  let envoy: Awaited<ReturnType<typeof startWithFile>>
  beforeAll(async () => {
    stage = await startStage()
    envoy = await startWithFile(
      'envoy-grpc.yaml',
      {
        sidecar: { url: stage.fronts.grpc.url },
        upstreamUrl: stage.upstream.url,
        routes,
        identityHeaders: Object.keys(identityHeaders),
      },
      ['context_extensions', 'policy'],
      (policy) => policy,
      withRbacAndLog,
    )
  })
  afterAll(async () => {
    await envoy?.stop()
    await stage?.close()
  })

  const ask = async (path: string, claims?: Record<string, unknown>) => {
    const headers: Record<string, string> = claims
      ? { authorization: `Bearer ${await stage.issuer.mint({ claims })}` }
      : {}
    return (await fetch(`${envoy.url}${path}`, { headers })).status
  }

  test('lets its RBAC filter decide by scopes and claims that the sidecar tells', async () => {
    const tenant = { id: 'acme' }
    expect(await ask('/a', { tenant })).toBe(200)
    expect(await ask('/b', { tenant, scope: 'orders:read' })).toBe(403)
    expect(await ask('/c', { tenant, scope: 'orders:read orders:write-not' })).toBe(403)
    expect(await ask('/d', { tenant: { id: 'other' } })).toBe(403)
    expect(await ask('/e', {})).toBe(403)
  })

  test('logs who asked, and why the sidecar refused', async () => {
    expect(await ask('/log-allowed', { tenant: { id: 'acme' }, sub: 'bob' })).toBe(200)
    expect(await ask('/log-refused', { scope: 'other' })).toBe(403)
    expect(await ask('/log-missing')).toBe(401)
    await expect
      .poll(() => envoy.log(), { timeout: 15_000 })
      .toMatch(/log \/log-missing 401 orders - - invalid_token\n/)
    expect(envoy.log()).toMatch(/log \/log-allowed 200 orders bob \["orders:read","orders:write"\] -\n/)
    expect(envoy.log()).toMatch(/log \/log-refused 403 orders - - insufficient_scope\n/)
  }, 30_000)
})
