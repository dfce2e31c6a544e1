import { join } from 'node:path';
import { type Environment, readEnvironment } from '../../shared/process/environment.ts';

export interface CuratorConfig extends Environment {
  /** The Level folder: the only truth of its runs, and the only folder to back up. */
  readonly ledger: string;
  /** Folder of sealed datasets, which can be made again from the ledger. */
  readonly datasets: string;
}

export function readCuratorConfig(
  env: Readonly<Record<string, string | undefined>>,
): CuratorConfig {
  const environment = readEnvironment(env);
  return {
    ...environment,
    ledger: join(environment.state, 'ledger'),
    datasets: join(environment.state, 'datasets'),
  };
}
