import { ModelService } from './model/model-service';
import { agreesWithModel } from './model/run-model';

/**
 * random histories agree with a model. A failure prints its seed and the shrunk history; run it again with
 * MODEL_SEED and MODEL_PATH, more of them with MODEL_RUNS. The long run: npm run test:faults -- R-35.
 */
const { MODEL_SEED, MODEL_PATH, MODEL_RUNS } = process.env;

let service: ModelService;

beforeAll(async () => {
  service = await ModelService.start();
}, 30_000);
afterAll(() => service.close());

it('answers every history as the model does, and every number is that of the ledger', async () => {
  const seed = MODEL_SEED === undefined ? undefined : Number(MODEL_SEED);
  await agreesWithModel(service, { runs: Number(MODEL_RUNS ?? 300), steps: 24, seed, path: MODEL_PATH });
}, 600_000);
