import { afterAll, beforeAll } from 'vitest';
import type { PjrtClient } from '../../src/engines/xla/pjrt/client.js';
import { testLowering } from './lowering/suite.js';
import { cpuClient, cpuPlugin } from './xla-plugin.js';
import { xlaLowering } from './xla-run.js';

const { plugin, reason } = await cpuPlugin();
let client: PjrtClient | undefined;

beforeAll(async () => {
  if (plugin !== undefined) client = await cpuClient(plugin);
});
afterAll(() => client?.close());

testLowering(
  'xla kernels',
  xlaLowering(() => client!),
  reason,
);
