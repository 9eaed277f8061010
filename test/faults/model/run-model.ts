import fc from 'fast-check';
import { live } from './history';
import { ModelService } from './model-service';
import { histories } from './operations';

export interface ModelRun {
  /** Histories. */
  runs: number;
  /** Steps of a history, at most. */
  steps: number;
  /** Repeats a run; another each time when left out. */
  seed?: number;
  /** Leads to the failing, shrunk history of a seed at once. */
  path?: string;
}

/**
 * Lives random histories with the service and with a model of it.
 * @throws Error that names the seed and the shortest history that still fails
 */
export async function agreesWithModel(
  service: ModelService,
  { runs, steps, seed, path }: ModelRun,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(histories(steps), (operations) => live(service, operations)),
    { numRuns: runs, seed, path, endOnFailure: path !== undefined },
  );
}
