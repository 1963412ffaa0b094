/**
 * What outlives a reload. A part is kept, with the keys, tokens and results that it holds, where all that it is made from
 * is deeply equal; it is closed once no configuration uses it any more. Secrets that change are read again while it lives.
 */
import { isDeepStrictEqual } from 'node:util'
import { createDependency, type Dependency, type DependencyOptions } from '../remote/calls/dependency.ts'
import type { Common, CommonToolkit, Toolkit, Workbench } from './toolkit.ts'

/** What parts are built with, before each has a scope of its own. */
export interface Tools
  extends Pick<CommonToolkit, 'http' | 'changingSecret' | 'logger' | 'limitedLog' | 'burst' | 'timerOf' | 'now'> {
  observeCall: NonNullable<DependencyOptions['observe']>
}

export interface Generation<T> {
  readonly value: T
  /** Of all its parts. */
  readonly dependencies: readonly Dependency[]
  /** Makes it the one that is in force. @returns closes the parts that it does not share with the one before it */
  adopt(): () => Promise<void>
  /** Closes the parts that it does not share with the one in force. */
  abandon(): Promise<void>
}

export interface Parts {
  /**
   * Builds all parts of a configuration beside those in force.
   * @param common what all of them are made from besides
   * @throws what `common` and `build` throw, and then leaves nothing behind
   */
  compose<T>(common: (toolkit: CommonToolkit) => Common, build: (toolkit: Toolkit) => T): Generation<T>
  /** Closes those in force. */
  close(): Promise<void>
}

interface Part {
  readonly value: unknown
  readonly madeFrom: readonly unknown[]
  readonly scope: Scope
}

/** What came into being while a part was built. */
interface Scope {
  /** Names of the parts around it and its own, so that parts inside different ones may have the same name. */
  readonly path: string
  readonly parts: Map<string, Part>
  readonly dependencies: Dependency[]
  readonly closers: (() => unknown)[]
}

export function createParts(tools: Tools): Parts {
  let inForce: ReadonlyMap<string, Part> = new Map()
  return {
    compose<T>(common: (toolkit: CommonToolkit) => Common, build: (toolkit: Toolkit) => T) {
      const before = inForce
      const used = new Map<string, Part>()
      const opened: Scope[] = []
      const building = { tools, before, used, opened }
      try {
        const base = createPart<CommonToolkit, Common>('common', common, [], {
          building,
          complete: (bench) => bench,
          fromAll: [],
        })
        // Everything may use what is common, so everything is made from it.
        const complete = (bench: Workbench<Toolkit>): Toolkit => ({ ...bench, ...base.value })
        const fromAll = [base.value.shared, base.value.replayGuard]
        const whole = createPart<Toolkit, T>('own', build, fromAll, { building, complete, fromAll })
        used.set(base.part.scope.path, base.part)
        used.set(whole.part.scope.path, whole.part)
        return {
          value: whole.value,
          dependencies: [...used.values()].flatMap(({ scope }) => scope.dependencies),
          adopt() {
            inForce = used
            const unused = [...before].flatMap(([name, part]) => (used.get(name) === part ? [] : [part.scope]))
            return () => close(unused)
          },
          abandon: () => close(opened),
        }
      } catch (error) {
        void close(opened)
        throw error
      }
    },
    close: () => close([...inForce.values()].map(({ scope }) => scope)),
  }
}

/** A generation while it is built. */
interface Building {
  tools: Tools
  before: ReadonlyMap<string, Part>
  used: Map<string, Part>
  opened: Scope[]
}

interface Workshop<Whole> {
  building: Building
  /** Adds what is common. */
  complete(bench: Workbench<Whole>): Whole
  fromAll: readonly unknown[]
}

function createPart<Whole, T>(
  path: string,
  build: (toolkit: Whole) => T,
  madeFrom: readonly unknown[],
  workshop: Workshop<Whole>,
): { part: Part; value: T } {
  const scope: Scope = { path, parts: new Map(), dependencies: [], closers: [] }
  workshop.building.opened.push(scope)
  const value = build(workshop.complete(workbenchFor(scope, workshop)))
  return { part: { value, madeFrom, scope }, value }
}

function workbenchFor<Whole>(scope: Scope, workshop: Workshop<Whole>): Workbench<Whole> {
  const { tools, before, used } = workshop.building
  const { observeCall, ...rest } = tools
  return {
    ...rest,
    dependency(name) {
      const dependency = createDependency(name, { observe: observeCall })
      scope.dependencies.push(dependency)
      scope.closers.push(dependency.close)
      return dependency
    },
    onClose: (closer) => void scope.closers.push(closer),
    keep<T>(name: string, own: readonly unknown[], build: (toolkit: Whole) => T): T {
      const path = `${scope.path}/${name}`
      const madeFrom = [...workshop.fromAll, ...own]
      const known = used.get(path) ?? before.get(path)
      const isSame = known && isDeepStrictEqual(known.madeFrom, madeFrom)
      const part = isSame ? known : createPart(path, build, madeFrom, workshop).part
      scope.parts.set(path, part)
      markUsed(part, used)
      // Made under this name by the same `build`, so it is of its type.
      return part.value as T
    },
  }
}

function markUsed(part: Part, used: Map<string, Part>): void {
  used.set(part.scope.path, part)
  for (const inner of part.scope.parts.values()) markUsed(inner, used)
}

/** One that cannot be closed keeps no other open. */
async function close(scopes: readonly Scope[]): Promise<void> {
  await Promise.allSettled(scopes.flatMap(({ closers }) => closers.map(async (closer) => closer())))
}
