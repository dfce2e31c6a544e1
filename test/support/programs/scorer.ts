/**
 * A scorer program that behaves as its first argument says. A second one names a file to which each process appends its pid, so that a
 * test can count the starts and look who is left.
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

interface Question {
  id: number;
  answer: string;
  row: { context: string | null };
}

const [behaviour = '', pids] = process.argv.slice(2);
if (pids !== undefined) appendFileSync(pids, `${process.pid}\n`);

const write = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const say = (value: unknown): void => {
  write(JSON.stringify(value));
};

/** What it does with a question that is not plain. */
const misbehaviours: Record<string, (question: Question) => void> = {
  dies: () => process.exit(3),
  hangs: () => {
    for (;;);
  },
  noise: ({ id }) => {
    write('Loading the model …');
    say({ id, value: 1 });
  },
  twice: ({ id }) => {
    say({ id, value: 0.25 });
    say({ id, value: 0.75 });
  },
  ahead: ({ id }) => {
    say({ id: id + 1, value: 1 });
  },
  nameless: () => {
    say({ value: 1 });
  },
  above: ({ id }) => {
    say({ id, value: 1.5 });
  },
  huge: () => {
    process.stdout.write('x'.repeat(3 * 1024 * 1024));
  },
  'answers and dies': ({ id }) => {
    process.stdout.write(`${JSON.stringify({ id, value: 0.5 })}\n`, () => process.exit(0));
  },
  unscored: ({ id }) => {
    say({ id, unscored: 'it is about nothing' });
  },
};

switch (behaviour) {
  case 'silent start':
    process.stderr.write('cannot find the weights\n');
    process.exit(1);
    break;
  case 'wrong start':
    write('ready');
    break;
  case 'other name each time':
    say({ scorer: `changing@${process.pid}` });
    break;
  default:
    say({ scorer: 'test@1' });
}
if (behaviour === 'with a child' && pids !== undefined) {
  const { pid } = spawn('sleep', ['600'], { stdio: 'inherit' });
  appendFileSync(pids, `${pid}\n`);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const question = JSON.parse(line) as Question;
  process.stderr.write(`asked about ${question.answer}\n`);
  // An answer that names a misbehaviour gets it; any other is scored by what the context is, which shows that the row arrives.
  const misbehave = misbehaviours[question.answer];
  if (misbehave === undefined)
    say({
      id: question.id,
      value: question.row.context === 'context' ? 1 : 0,
      details: { pid: process.pid },
    });
  else misbehave(question);
});
