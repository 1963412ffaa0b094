/** What the sources' imports break of the rules. */
import { entrances, entryPoints, layers, packages, pure, strangers, withoutProcess } from './import-rules.ts'
import type { Source } from './sources.ts'

/** @returns a line for each violation */
export function findViolations(sources: readonly Source[]): string[] {
  const byFile = new Map(sources.map((source) => [source.file, source]))
  return sources.flatMap((source) => [
    ...source.imports.flatMap((file) => {
      const target = byFile.get(file)
      if (!target) return [`${source.file} imports ${file}, which there is not`]
      const reason = wrongDirection(source, target)
      return reason === undefined ? [] : [`${source.file} imports ${file}: ${reason}`]
    }),
    ...wrongSurroundings(source),
  ])
}

function wrongDirection(from: Source, to: Source): string | undefined {
  const apart = strangers.some((pair) => pair.includes(from.package) && pair.includes(to.package))
  if (apart && from.package !== to.package) return 'they meet only over the network'
  if (isTest(from)) return undefined
  if (isTest(to)) return 'sources do not import tests'
  if (from.package !== to.package) {
    return packages[from.package]?.includes(to.package) ? undefined : `${from.package} may not import ${to.package}`
  }
  return wrongLayer(from, to)
}

function wrongLayer(from: Source, to: Source): string | undefined {
  const order = layers[from.package]
  const importers = entrances[srcPath(to)]
  if (importers && order && !importers.includes(srcPath(from))) {
    return importers.length === 0 ? 'nobody may' : `only ${importers.join(' and ')} may`
  }
  const [fromLayer, toLayer] = [layerOf(from), layerOf(to)]
  if (!order || fromLayer === undefined || toLayer === undefined) return undefined
  if (!order.includes(toLayer)) return `${toLayer} has no place in import-rules.ts`
  return order.indexOf(fromLayer) <= order.indexOf(toLayer) ? undefined : `${fromLayer} stands behind ${toLayer}`
}

function wrongSurroundings(source: Source): string[] {
  if (isTest(source)) return []
  const problems: string[] = []
  if (source.usesProcess && withoutProcess.includes(source.package) && !entryPoints.includes(srcPath(source))) {
    problems.push(`${source.file} touches process, which only ${entryPoints.join(' and ')} may`)
  }
  if (source.importsUnknown) problems.push(`${source.file} imports what cannot be told without running it`)
  if (pure.includes(source.package) && source.builtins.length > 0) {
    problems.push(`${source.file} imports ${source.builtins.join(', ')}, but ${source.package} is pure`)
  }
  return problems
}

function isTest({ inside }: Source): boolean {
  return !inside.startsWith('src/')
}

function srcPath({ inside }: Source): string {
  return inside.replace(/^src\//, '')
}

/** The folder below `src`; undefined for a file directly in it. */
function layerOf(source: Source): string | undefined {
  const [folder, rest] = srcPath(source).split('/', 2)
  return rest === undefined ? undefined : folder
}

/** @returns a line for each circle of imports, from its first file back to it */
export function findCycles(sources: readonly Source[]): string[] {
  const imports = new Map(sources.map((source) => [source.file, source.imports]))
  const finished = new Set<string>()
  const cycles: string[] = []

  const visit = (file: string, path: readonly string[]) => {
    if (finished.has(file)) return
    const start = path.indexOf(file)
    if (start >= 0) {
      cycles.push(`circle: ${[...path.slice(start), file].join(' → ')}`)
      return
    }
    for (const next of imports.get(file) ?? []) visit(next, [...path, file])
    finished.add(file)
  }
  for (const { file } of sources) visit(file, [])
  return cycles
}
