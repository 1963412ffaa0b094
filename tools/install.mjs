/**
 * Runs before `npm start` and `npm test`: installs the packages where they are not what package-lock.json says.
 * Plain JavaScript for Node.js 20, since nothing is installed yet when it runs.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const stamp = join(root, 'node_modules', '.postern-installed')
const lock = join(root, '.install-lock')
const leastNode = 26
const waitAtMostMs = 15 * 60_000
// Windows runs the command files that npm makes only through a shell.
const shell = process.platform === 'win32'

/** What the installed packages depend on. */
function wanted() {
  const hash = createHash('sha256')
  hash.update(readFileSync(join(root, 'package-lock.json')))
  return `${hash.digest('hex')} ${process.platform} ${process.arch}\n`
}

function hasNode() {
  const { stdout } = spawnSync(join(root, 'node_modules', '.bin', 'node'), ['--version'], { encoding: 'utf8', shell })
  return Number.parseInt(stdout?.slice(1) ?? '', 10) >= leastNode
}

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted() && hasNode()
}

function install() {
  console.log('Installing packages (npm ci) …')
  const begun = Date.now()
  // --include=dev, since NODE_ENV=production would leave out what start and test need.
  const { status } = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    shell,
  })
  if (status !== 0) return fail('npm ci failed; its messages are above')
  if (!hasNode()) return fail(`npm ci brought no Node.js ${leastNode}: are install scripts off (npm's ignore-scripts)?`)
  writeFileSync(stamp, wanted())
  console.log(`Installed in ${Math.round((Date.now() - begun) / 1000)} s`)
}

function fail(message) {
  console.error(message)
  process.exitCode = 1
}

/** Two at once would pull the packages from under each other: the second waits for the first. */
function locked(work) {
  const deadline = Date.now() + waitAtMostMs
  let waiting = false
  while (!takeLock()) {
    if (Date.now() > deadline) return fail(`another installation does not end; if there is none, remove ${lock}`)
    if (!waiting) console.log('Waiting for another installation to end …')
    waiting = true
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200 + Math.random() * 200)
  }
  try {
    work()
  } finally {
    rmSync(lock, { force: true })
  }
}

/** The lock holds the id of the process that has it: ctrl-C ends that process without a chance to give it back. */
function takeLock() {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  if (isAbandoned()) rmSync(lock, { force: true })
  return false
}

function isAbandoned() {
  try {
    const holder = Number(readFileSync(lock, 'utf8'))
    // Made this moment, and its owner's id not written yet.
    if (holder === 0) return Date.now() - statSync(lock).mtimeMs > 5_000
    process.kill(holder, 0)
    return false
  } catch (error) {
    // ENOENT: given back meanwhile. EPERM: it lives, and belongs to somebody else.
    return error.code === 'ESRCH'
  }
}

if (!isInstalled()) locked(() => isInstalled() || install())
