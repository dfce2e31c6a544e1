/**
 * A scorer of your own, in small: 1 for an answer of at most 40 words, less for a longer one. Version 1 of the protocol in
 * agents/judges/scorers/protocol.ts.
 *
 *   node length.mjs               JSON lines: a profile { command: [node, deploy/demo/scorers/length.mjs] }, a judge of type `command`
 *   node length.mjs --port 8090   HTTP: a profile { url: 'http://127.0.0.1:8090' }, a judge of type `http`
 */
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

// Verdicts are cached under this: give it a new version whenever a value can change.
const scorer = 'length@1';
const MOST_WORDS = 40;

function judge({ answer }) {
  const words = answer.split(/\s+/).filter((word) => word !== '').length;
  if (words === 0) return { unscored: 'the answer is empty' };
  return { value: Math.min(1, MOST_WORDS / words), details: { words } };
}

function answerLines() {
  const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  say({ scorer });
  // Ends with its input, and so with the peer that started it. Whatever else it wants to say goes to stderr.
  createInterface({ input: process.stdin }).on('line', (line) => {
    const question = JSON.parse(line);
    say({ id: question.id, ...judge(question) });
  });
}

function serve(port) {
  async function answer(request, response) {
    try {
      // GET says who answers.
      const said = request.method === 'POST' ? judge(JSON.parse(await text(request))) : {};
      response.end(JSON.stringify({ scorer, ...said }));
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  }
  const server = createServer((request, response) => void answer(request, response));
  server.listen(port, '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${server.address().port}`);
  });
}

const [option, port] = process.argv.slice(2);
if (option === '--port') serve(Number(port));
else answerLines();
