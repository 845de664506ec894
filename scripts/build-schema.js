// Writes configs/schema.json, for editors, from the schema that configs are checked with: npm run schema
import { writeFileSync } from 'node:fs';
import { configJsonSchema } from '../dist/config/json-schema.js';

const target = new URL('../configs/schema.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
