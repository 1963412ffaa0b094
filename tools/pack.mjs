/**
 * Makes the packages that are published: node tools/pack.mjs [folder for the tarballs]
 *
 * In the repository, packages export their TypeScript sources and need no build. A published one gets `dist/` with
 * JavaScript and declarations, and a package.json that exports those. Each package is staged in a temporary folder, in
 * the order in which they depend on each other, so that every one is compiled against the packed form of the last.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
/** A package comes after those that it depends on. */
const packages = ['protocol', 'sdk', 'plugins/fastify']
const node = '>=22.19.0'

const output = resolve(process.argv[2] ?? 'packages')
const stage = mkdtempSync(join(tmpdir(), 'postern-pack-'))
try {
  mkdirSync(output, { recursive: true })
  linkThirdParties()
  for (const folder of packages) console.log(join(output, pack(folder)))
} finally {
  rmSync(stage, { recursive: true, force: true })
}

function linkThirdParties() {
  const modules = join(stage, 'node_modules')
  mkdirSync(join(modules, '@postern'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@postern' && !name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
}

/** @returns the file name of the tarball */
function pack(folder) {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const target = join(stage, folder)
  mkdirSync(dirname(target), { recursive: true })
  cpSync(join(root, folder, 'src'), join(target, 'src'), { recursive: true })
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
  for (const name of readdirSync(join(root, folder))) {
    if (name === 'README.md') cpSync(join(root, folder, name), join(target, name))
  }
  writeJson(join(target, 'package.json'), published(manifest))
  writeJson(join(target, 'tsconfig.json'), compilerOptions())
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', target], { stdio: 'inherit' })
  symlinkSync(target, join(stage, 'node_modules', manifest.name))
  const report = execFileSync('npm', ['pack', '--json', '--pack-destination', output], { cwd: target })
  return JSON.parse(report.toString())[0].filename
}

function published({ private: _private, devDependencies: _dev, scripts: _scripts, exports, ...manifest }) {
  const compiled = Object.entries(exports).map(([name, source]) => {
    const path = source.replace('./src/', './dist/').replace(/\.ts$/, '')
    return [name, { types: `${path}.d.ts`, default: `${path}.js` }]
  })
  return { ...manifest, engines: { node }, files: ['dist'], exports: Object.fromEntries(compiled) }
}

function compilerOptions() {
  const { compilerOptions: common } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
  const build = {
    noEmit: false,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: 'src',
    outDir: 'dist',
  }
  return { compilerOptions: { ...common, ...build }, include: ['src'] }
}

function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`)
}
