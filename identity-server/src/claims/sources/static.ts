import Type from 'typebox'
import { compileExpression } from '../expression.ts'
import { toText } from '../result.ts'
import type { SourceKind } from './source.ts'

const Configuration = Type.Object(
  {
    data: Type.Record(Type.String(), Type.Unknown(), { description: 'The attributes, or a table of them by key' }),
    key: Type.Optional(
      Type.String({ description: 'CEL that yields a key of the table: the attributes are its entry, or null' }),
    ),
  },
  { additionalProperties: false },
)

/** Attributes that stand in the database: as they are, or an entry of a table. */
export const staticSource: SourceKind<'static', typeof Configuration> = {
  name: 'static',
  Configuration,
  compile({ data, key }) {
    if (key === undefined) return { expressions: [], read: () => data }
    const expression = compileExpression(key)
    return {
      expressions: [expression],
      read(bindings, budget) {
        const name = toText(expression.evaluate(bindings, budget))
        return Object.hasOwn(data, name) ? data[name] : null
      },
    }
  },
}
