/**
 * Runs before `npm test`: provides the real servers that tests use. As root on Debian it installs the missing ones;
 * elsewhere it says what is missing. With CI=true a missing server is a failure. Plain JavaScript for Node.js 20.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** To add a server: its binary, Debian's package, and where beside PATH the binary may be. */
const servers = [
  { name: 'PostgreSQL', binary: 'postgres', package: 'postgresql', folders: postgresFolders() },
  { name: 'NGINX', binary: 'nginx', package: 'nginx', folders: ['/usr/sbin'] },
]

function postgresFolders() {
  const base = '/usr/lib/postgresql'
  return existsSync(base) ? readdirSync(base).map((version) => join(base, version, 'bin')) : []
}

function isMissing({ binary, folders }) {
  const path = (process.env.PATH ?? '').split(delimiter)
  return ![...path, ...folders].some((folder) => existsSync(join(folder, binary)))
}

function apt(...args) {
  const { status } = spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    // RUNLEVEL=1 keeps the packages' scripts from starting services: tests start their own, on free ports.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  })
  return status === 0
}

function install(missing) {
  const packages = missing.map((server) => server.package)
  console.log(`Installing ${packages.join(', ')} (apt-get) …`)
  const options = ['install', '-y', '-q', '--no-install-recommends', ...packages]
  // The lists of packages may be missing or old: they are fetched where the first attempt fails.
  return apt(...options) || (apt('update', '-q') && apt(...options))
}

const missing = servers.filter(isMissing)
if (missing.length > 0) {
  const canInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (canInstall) install(missing)
  const still = servers
    .map((server) => ({ ...server, folders: server.name === 'PostgreSQL' ? postgresFolders() : server.folders }))
    .filter(isMissing)
  for (const { name, package: debianPackage } of still) {
    const reason = canInstall ? 'its installation failed' : `not installed (Debian's package: ${debianPackage})`
    console.log(`skipped: tests with ${name}: ${reason}`)
  }
  if (still.length > 0 && process.env.CI === 'true') process.exit(1)
}
