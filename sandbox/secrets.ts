/** The secrets of this sandbox: made once, kept for us alone, worthless anywhere else. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { makeApiKey } from '../src/platform/api-key-format';
import { readJson, writeJson } from './json-file';

export interface SandboxSecrets {
  readonly adminApiKey: string;
  readonly appSecret: string;
  readonly stripeSecretKey: string;
  readonly stripeWebhookSecret: string;
  /** Of the endpoint for event notifications. */
  readonly stripeEventsSecret: string;
}

/**
 * Reads the secrets, or makes them at the first start. Stripe's carry `sandbox` in them: production refuses
 * to start with such a one.
 */
export function sandboxSecrets(folder: string): SandboxSecrets {
  const file = join(folder, 'secrets.json');
  const kept = readJson<Partial<SandboxSecrets>>(file);
  const random = () => randomBytes(24).toString('hex');
  const secrets: SandboxSecrets = {
    adminApiKey: makeApiKey('test'),
    appSecret: `sandbox_${random()}`,
    stripeSecretKey: `sk_test_sandbox_${random()}`,
    stripeWebhookSecret: `whsec_sandbox_${random()}`,
    stripeEventsSecret: `whsec_sandbox_${random()}`,
    // A folder of an earlier version has fewer of them.
    ...kept,
  };
  if (!kept?.stripeEventsSecret) writeJson(file, secrets);
  return secrets;
}
