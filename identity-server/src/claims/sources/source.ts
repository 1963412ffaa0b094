/**
 * Where attributes come from: expressions name them as `attributes.<source>`. What each kind of source provides;
 * `list.ts` names the kinds. Sources are asked only for what an expression that is to be evaluated names.
 */
import type { Static, TObject } from 'typebox'
import type { Bindings, Expression } from '../expression.ts'
import type { Budget } from '../meter.ts'

/** JSON; at once where it is known. @throws ExpressionError or SourceError, also by rejection */
export type Read = (bindings: Bindings, budget: Budget) => unknown

/** A source of an auth server, ready to be asked. */
export interface AttributeSource {
  readonly name: string
  /** `fail`: what needs it is refused. `omit`: its attributes are null. */
  readonly onFailure: 'fail' | 'omit'
  /** Names of the context that its answer depends on. */
  readonly variables: ReadonlySet<string>
  readonly read: Read
}

export interface CompiledSource {
  readonly expressions: readonly Expression[]
  readonly read: Read
}

/** What a service is asked. */
export interface Question {
  /** Names auth server and source, and changes with the source. */
  source: string
  url: string
  authorization: string | undefined
  timeoutMs: number
  /** How long the answer may be given again. */
  cacheMs: number
}

/** JSON; at once where it is known. @throws SourceError, also by rejection */
export type AskRemote = (question: Question) => unknown

/** What a kind of source may use. */
export interface SourceScope {
  /** Names auth server and source, and changes with the source: what is cached under it is this source's only. */
  readonly cacheKey: string
  readonly askRemote: AskRemote
  /** Why a URL may not be asked; undefined: it may. */
  checkUrl(url: string): string | undefined
  /** The Authorization header for this origin, where a credential is stored. @throws SourceError */
  authorization(origin: string): string | undefined
}

export interface SourceKind<Name extends string, Configuration extends TObject> {
  name: Name
  Configuration: Configuration
  /** @throws ExpressionError for what the schema cannot tell */
  compile(configuration: Static<Configuration>, scope: SourceScope): CompiledSource
}

/** A source gave no attributes. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
  /** Stable, and without any data. */
  readonly reason: string

  constructor(reason: string, cause?: unknown) {
    super(`the attribute source failed: ${reason}`, cause === undefined ? undefined : { cause })
    this.reason = reason
  }
}
