/** Envoy with one of the files of plugins/envoy, filled in. */
import { readFile } from 'node:fs/promises'
import type { RunningServer } from '@postern/tools/servers/configured'
import { startEnvoy } from '@postern/tools/servers/envoy'
import { isMap, isSeq, parseDocument, type YAMLMap } from 'yaml'
import type { GatewayInput } from './gateway.ts'

const listener = ['static_resources', 'listeners', 0]
export const manager = [...listener, 'filter_chains', 0, 'filters', 0, 'typed_config']
const routes = [...manager, 'route_config', 'virtual_hosts', 0, 'routes']
const perRoute = ['typed_per_filter_config', 'envoy.filters.http.ext_authz', 'check_settings']
const endpoint = ['load_assignment', 'endpoints', 0, 'lb_endpoints', 0, 'endpoint', 'address']

/**
 * @param path in a route's `check_settings`, of what names its policy
 * @param named what stands there
 * @param change what else an operator does to the file
 */
export async function startWithFile(
  file: string,
  { sidecar, upstreamUrl, routes: wanted }: GatewayInput,
  path: readonly string[],
  named: (policy: string) => string,
  change: (document: YamlDocument) => void = () => undefined,
): Promise<RunningServer> {
  const text = await readFile(new URL(`../../envoy/${file}`, import.meta.url), 'utf8')
  return startEnvoy((port) => {
    const document = parseDocument(text)
    document.setIn([...listener, 'address'], tcp('127.0.0.1', port))
    document.setIn([...clusterAt(document, 'postern_sidecar'), ...endpoint], sidecarAddress(sidecar))
    const { hostname, port: upstreamPort } = new URL(upstreamUrl)
    document.setIn([...clusterAt(document, 'orders'), ...endpoint], tcp(hostname, Number(upstreamPort)))

    const [example] = sequence(document, routes)
    // Envoy takes the first that matches.
    const longestFirst = [...wanted].sort((one, other) => other.prefix.length - one.prefix.length)
    const made = longestFirst.map(({ prefix, policy }) => {
      const route = example?.clone()
      if (!isMap(route)) throw new Error(`${file} has no route`)
      if (!route.hasIn([...perRoute, ...path])) throw new Error(`${file} says no longer which policy a route has`)
      route.setIn(['match', 'prefix'], prefix)
      route.setIn([...perRoute, ...path], named(policy))
      return route
    })
    document.setIn(routes, made)
    change(document)
    return document.toString()
  })
}

export type YamlDocument = ReturnType<typeof parseDocument>

function clusterAt(document: YamlDocument, name: string): (string | number)[] {
  const clusters = ['static_resources', 'clusters']
  const index = sequence(document, clusters).findIndex((cluster) => cluster.get('name') === name)
  if (index < 0) throw new Error(`there is no cluster ${name} any more`)
  return [...clusters, index]
}

function sequence(document: YamlDocument, path: (string | number)[]): YAMLMap[] {
  const node = document.getIn(path)
  return isSeq(node) ? node.items.filter((item): item is YAMLMap => isMap(item)) : []
}

function tcp(address: string, port: number): object {
  return { socket_address: { address, port_value: port } }
}

function sidecarAddress(sidecar: GatewayInput['sidecar']): object {
  if ('socketPath' in sidecar) return { pipe: { path: sidecar.socketPath } }
  const { hostname, port } = new URL(sidecar.url)
  return tcp(hostname, Number(port))
}
