import { describe, expect, test } from 'vitest'
import { envoyVersion, startEnvoy } from '../../src/servers/envoy.ts'

const version = await envoyVersion()

const listener = (port: number) => `
static_resources:
  listeners:
    - address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - filters:
            - name: http
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: test
                http_filters:
                  - name: router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{ match: { prefix: / }, direct_response: { status: 200, body: { inline_string: hello } } }]
`

describe.skipIf(version === undefined && !process.env.CI)(`envoy ${version ?? '(not installed)'}`, () => {
  test('serves what it is configured to, and is gone after stop', async () => {
    const envoy = await startEnvoy(listener)
    expect(await (await fetch(envoy.url)).text()).toBe('hello')
    await envoy.stop()
    await expect(fetch(envoy.url)).rejects.toThrow()
  })

  test('says what is wrong with a configuration', async () => {
    await expect(startEnvoy(() => 'no_such_member: 1')).rejects.toThrow(/no_such_member/)
  })
})
