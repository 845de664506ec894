// Writes configs/schema.json (for editors) and docs/configuration.md from the schema that configs are checked with:
// npm run schema
import { mkdirSync, writeFileSync } from 'node:fs';
import { configJsonSchema } from '../dist/config/json-schema.js';
import { configReference } from '../dist/config/reference.js';

const write = (path, text) => writeFileSync(new URL(`../${path}`, import.meta.url), text);
const schema = configJsonSchema();
mkdirSync(new URL('../docs', import.meta.url), { recursive: true });
write('configs/schema.json', `${JSON.stringify(schema, null, 2)}\n`);
write('docs/configuration.md', configReference(schema));
