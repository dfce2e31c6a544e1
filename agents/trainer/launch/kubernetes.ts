import { z } from 'zod';
import { PermanentError, TransientError } from '../../../shared/contract/failure.ts';
import type { ProfileOf } from '../../../shared/contract/trainer-profile.ts';
import type { Exit, Launch, Launcher } from './launcher.ts';
import { hasProgram } from './here.ts';
import { outputOfTool, runTool } from './tool.ts';

const ABSENT_MS = 30_000;
/** The API server is not there or has too much to do, as kubectl says it. */
const AWAY =
  /unable to connect|connection refused|connection reset|i\/o timeout|handshake timeout|\((ServiceUnavailable|TooManyRequests|InternalError|Timeout|ServerTimeout)\)/i;

const TrainJob = z.object({
  status: z
    .object({
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().default(''),
            message: z.string().default(''),
          }),
        )
        .default([]),
      jobsStatus: z.array(z.object({ active: z.int().default(0) })).default([]),
    })
    .default({ conditions: [], jobsStatus: [] }),
});

const Terminated = z.object({
  exitCode: z.int(),
  reason: z.string().default(''),
  finishedAt: z.string().default(''),
});

const Pods = z.object({
  items: z.array(
    z.object({
      status: z.object({
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        containerStatuses: z
          .array(z.object({ state: z.object({ terminated: Terminated.optional() }) }))
          .default([]),
      }),
    }),
  ),
});

/** A Kubeflow TrainJob of a runtime like torch-distributed, through kubectl. Its name is the attempt's, so creating it twice makes one. */
export function kubernetesLauncher(profile: ProfileOf<'kubernetes'>): Launcher {
  const kubectl = (...words: string[]): string[] => [
    'kubectl',
    `--namespace=${profile.namespace}`,
    ...words,
  ];
  const options = { variables: ['KUBECONFIG', ...profile.variables] };
  return {
    endsWithTrainer: false,
    pollMs: profile.pollMs,
    absentMs: ABSENT_MS,
    check: async () => {
      if (!(await hasProgram('kubectl'))) return ['there is no kubectl here: install it'];
      const { code, stderr } = await runTool(
        kubectl('auth', 'can-i', 'create', 'trainjobs.trainer.kubeflow.org'),
        options,
      );
      return code === 0
        ? []
        : [
            `kubectl may not create TrainJobs in ${profile.namespace}: ${stderr.trim()} (install Kubeflow Trainer, and let this user create trainjobs.trainer.kubeflow.org)`,
          ];
    },
    submit: async (launch) => {
      const input = JSON.stringify(trainJobOf(profile, launch));
      const { code, stderr } = await runTool(kubectl('create', '-f', '-'), { ...options, input });
      if (code === 0 || /AlreadyExists|already exists/.test(stderr)) return;
      const message = `kubectl create failed: ${stderr.trim()}`;
      throw AWAY.test(stderr) ? new TransientError(message) : new PermanentError(message);
    },
    look: async ({ name }) => {
      const said = await outputOfTool(
        kubectl('get', 'trainjob', name, '--ignore-not-found', '-o', 'json'),
        options,
      );
      if (said.trim() === '') return { state: 'absent' };
      const { conditions, jobsStatus } = TrainJob.parse(JSON.parse(said)).status;
      const held = (type: string) =>
        conditions.find((one) => one.type === type && one.status === 'True');
      if (held('Complete') !== undefined) return { state: 'ended', exit: { code: 0 } };
      const failed = held('Failed');
      if (failed === undefined)
        return { state: jobsStatus.some(({ active }) => active > 0) ? 'running' : 'queued' };
      const pods = await outputOfTool(
        kubectl('get', 'pods', '-l', `jobset.sigs.k8s.io/jobset-name=${name}`, '-o', 'json'),
        options,
      );
      const reason = `Kubernetes says ${failed.reason}: ${failed.message}`;
      return { state: 'ended', exit: exitOf(Pods.parse(JSON.parse(pods)), reason) };
    },
    cancel: async ({ name }) => {
      await outputOfTool(
        kubectl('delete', 'trainjob', name, '--ignore-not-found', '--cascade=foreground', '--wait'),
        options,
      );
    },
  };
}

export function trainJobOf(
  profile: ProfileOf<'kubernetes'>,
  { name, spec }: Pick<Launch, 'name' | 'spec'>,
): object {
  const { runtime, image, nodes, gpusPerNode, namespace } = profile;
  const [command, ...args] = profile.command;
  return {
    apiVersion: 'trainer.kubeflow.org/v1alpha1',
    kind: 'TrainJob',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'reset-loop' } },
    spec: {
      runtimeRef: { name: runtime },
      trainer: {
        ...(image === undefined ? {} : { image }),
        command: [command],
        args: [...args, spec],
        numNodes: nodes,
        numProcPerNode: gpusPerNode,
        resourcesPerNode: { limits: { 'nvidia.com/gpu': gpusPerNode } },
      },
    },
  };
}

/** How the pod ended that failed first; the others only lost their partner. */
function exitOf({ items }: z.infer<typeof Pods>, reason: string): Exit {
  const disrupted = items.some(({ status }) =>
    status.conditions.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True'),
  );
  if (disrupted) return { code: null, class: 'preempted', reason: `${reason}; a pod was evicted` };
  const [first] = items
    .flatMap(({ status }) => status.containerStatuses)
    .flatMap(({ state }) => state.terminated ?? [])
    .filter(({ exitCode }) => exitCode !== 0)
    .toSorted((a, b) => (a.finishedAt < b.finishedAt ? -1 : 1));
  if (first === undefined) return { code: null, reason };
  const words = `${reason}; exit code ${first.exitCode} ${first.reason}`.trim();
  return {
    code: first.exitCode,
    reason: words,
    ...(first.reason === 'OOMKilled' ? { class: 'oom' as const } : {}),
    ...(first.exitCode === 143 ? { class: 'preempted' as const } : {}),
  };
}
