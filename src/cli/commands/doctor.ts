import type { Command } from 'commander';
import type { Finding } from '../../setup/examine.js';
import { prose } from '../../text.js';
import { type CliContext, type ExitWith, isFancy } from '../context.js';
import { examplesOf } from '../options.js';
import { roomOf, table } from '../show/table.js';
import { emit } from '../watch/json-events.js';

const MARKS: Record<Finding['state'], string> = { ok: '✓', optional: '·', missing: '✗' };
/** Green and red can be read on black and on white; yellow can't. */
const COLORS: Record<string, number> = { [MARKS.ok]: 32, [MARKS.missing]: 31 };

/** `rethink-gen doctor`: exit code 1 where something is missing that a run needs and can't get itself. */
export function registerDoctorCommand(program: Command, context: CliContext, exit: ExitWith): void {
  program
    .command('doctor')
    .summary('what this machine has, what is missing, the command that mends it')
    .description(
      'Looks at Node, the machine, where engines come from and go to, engines, GPUs and data sets. Leaves nothing behind.',
    )
    .option('--json', 'a line of JSON for each finding')
    .option('--data-dir <dir>', 'where to look for data sets first')
    .addHelpText('after', examplesOf('doctor', ['', '--json']))
    .action(async (options: { json?: boolean; dataDir?: string }) => {
      const { examine } = await import('../../setup/examine.js');
      const findings = await examine(options.dataDir);
      if (options.json) for (const finding of findings) emit(context, 'finding', finding);
      else context.stdout.write(listed(findings, context));
      const missing = findings.filter(({ state }) => state === 'missing').length;
      if (!options.json)
        context.stdout.write(prose(`\n${summary(missing)}\n`, roomOf(context.stdout)));
      exit(missing > 0 ? 1 : 0);
    });
}

function listed(findings: readonly Finding[], { stdout, env }: CliContext): string {
  const rows = findings.flatMap(({ what, state, detail, mend }) => [
    [`${MARKS[state]} ${what}`, detail],
    ...(mend === undefined ? [] : [['', `→ ${mend}`]]),
  ]);
  const text = table(rows, [1], { width: roomOf(stdout) });
  if (!isFancy(stdout, env)) return text;
  return text.replace(/^./gmu, (mark) => {
    const color = COLORS[mark];
    return color === undefined ? mark : `\u001b[${color}m${mark}\u001b[0m`;
  });
}

function summary(missing: number): string {
  if (missing === 0) return 'Everything that a run needs is here, or comes with the first run.';
  return missing === 1 ? '1 thing is missing.' : `${missing} things are missing.`;
}
