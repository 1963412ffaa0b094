/**
 * Runs before `npm start` and `npm test`: installs the packages where they are not what package-lock.json says.
 * Plain JavaScript for Node.js 20, since nothing is installed yet when it runs.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const stamp = join(root, 'node_modules', '.postern-installed')
const lock = join(root, '.install-lock')
const lockStaleAfterMs = 15 * 60_000

/** What the installed packages depend on. */
function wanted() {
  const hash = createHash('sha256')
  hash.update(readFileSync(join(root, 'package-lock.json')))
  return `${hash.digest('hex')} ${process.platform} ${process.arch}\n`
}

function isInstalled() {
  return (
    existsSync(join(root, 'node_modules', '.bin', 'node')) &&
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === wanted()
  )
}

function install() {
  console.log('Installing packages (npm ci) …')
  const begun = Date.now()
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    // Windows finds npm as a command file only through a shell.
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    console.error('npm ci failed; its messages are above')
    process.exit(1)
  }
  writeFileSync(stamp, wanted())
  console.log(`Installed in ${Math.round((Date.now() - begun) / 1000)} s`)
}

/** Two at once would pull the packages from under each other: the second waits for the first. */
function locked(work) {
  const deadline = Date.now() + lockStaleAfterMs
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (error.code !== 'EEXIST' || Date.now() > deadline) throw error
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
      if (age > lockStaleAfterMs) rmdirSync(lock)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    }
  }
  const release = () => existsSync(lock) && rmdirSync(lock)
  process.once('exit', release)
  work()
}

if (!isInstalled()) locked(() => isInstalled() || install())
