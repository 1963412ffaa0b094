/** `npm run schema`: writes the JSON Schema that editors and CI check configuration files with. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemaDocument } from './schema-document.ts'

writeFileSync(join(import.meta.dirname, '..', '..', 'config.schema.json'), schemaDocument())
