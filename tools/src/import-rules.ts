/**
 * Which way imports may point. Between packages: each names those that it may import. Inside a service: folders stand in
 * an order, and each may import the ones after it.
 */

/** Package folder → the packages of ours that its `src` may import. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  sdk: ['protocol'],
  'identity-server': ['protocol'],
  sidecar: ['protocol'],
  'plugins/fastify': ['protocol', 'sdk'],
  'plugins/contract': ['protocol', 'plugins/fastify', 'tools'],
  demo: ['protocol', 'sdk', 'plugins/fastify', 'tools'],
  'load-tests': ['protocol', 'demo', 'tools', 'identity-server'],
  tools: [],
}

/** Services that meet only over the network: not even their tests import each other. */
export const strangers: readonly (readonly [string, string])[] = [['identity-server', 'sidecar']]

/** Folders of a service's `src`, from the edge inwards. Files directly in `src` are shared, but for those below. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  // compose/ holds what compose.ts is made of: it stands first, so that nothing else may import it.
  'identity-server': [
    'compose',
    'http',
    'admin',
    'jobs',
    'registration',
    'grants',
    'tokens',
    'trust',
    'claims',
    'revocations',
    'client-auth',
    'sender-constraint',
    'tenancy',
    'clients',
    'keys',
    'assertions',
    'audit',
    'events',
    'replay',
    'outgoing',
    'x509',
    'store',
  ],
  sidecar: ['compose', 'http', 'transports', 'decider', 'steps', 'remote', 'config', 'matching'],
}

/** File directly in `src` → who may import it. They know all parts, so no part may know them. */
export const entrances: Readonly<Record<string, readonly string[]>> = {
  'main.ts': [],
  'cli.ts': [],
  'compose.ts': ['main.ts', 'cli.ts'],
}

/** Where a process begins: the files directly in `src` that may touch `process`. */
export const entryPoints: readonly string[] = ['main.ts', 'cli.ts']

/** Packages that may run anywhere: only their entry points may touch `process`. */
export const withoutProcess: readonly string[] = ['protocol', 'sdk', 'identity-server', 'sidecar', 'plugins/fastify']

/** Packages without input and output: they import no module of Node.js. */
export const pure: readonly string[] = ['protocol']
