/**
 * Settings documents on the admin API: their members stand beside the columns' members of the same resource. In a
 * change, null takes a setting back.
 */
import Type, { type Static, type TObject, type TSchema } from 'typebox'
import { Value } from 'typebox/value'

/** The members as a change may name them. */
export function changeable<Properties extends Record<string, TSchema>>(settings: TObject<Properties>) {
  const entries = Object.entries(settings.properties).map(([name, schema]) => [name, Type.Union([schema, Type.Null()])])
  const properties: Record<string, TSchema> = Object.fromEntries(entries)
  return properties
}

/** A body in two: what is stored in columns, and what belongs to the settings. */
export function separate<Body extends object>(
  settings: TObject,
  body: Body,
): { columns: Body; settings: Record<string, unknown> } {
  const columns = { ...body }
  const found: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    if (!Object.hasOwn(settings.properties, name)) continue
    found[name] = value
    Reflect.deleteProperty(columns, name)
  }
  return { columns, settings: found }
}

/**
 * The stored document with a change applied.
 * @returns its text, to be stored
 */
export function merge<Settings extends TObject>(
  settings: Settings,
  stored: unknown,
  change: Readonly<Record<string, unknown>>,
): { text: string; settings: Static<Settings> } {
  const merged = { ...Value.Parse(Type.Record(Type.String(), Type.Unknown()), stored), ...change }
  const kept = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null))
  return { text: JSON.stringify(kept), settings: Value.Parse(settings, kept) }
}
