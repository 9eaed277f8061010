import type { Config } from './config/env';

interface AwsClientOptions {
  region: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

/**
 * What every AWS client of ours is made with. Credentials come from the SDK's own chain (environment, profile,
 * role), except for an emulator on this machine, which takes any: there the chain would only look in vain.
 */
export function awsClientOptions({ aws }: Config): AwsClientOptions {
  if (aws.endpoint === null) return { region: aws.region };
  const { hostname } = new URL(aws.endpoint);
  const isEmulator =
    hostname === 'localhost' || hostname.endsWith('.localhost') || hostname.startsWith('127.');
  return {
    region: aws.region,
    endpoint: aws.endpoint,
    ...(isEmulator ? { credentials: { accessKeyId: 'emulator', secretAccessKey: 'emulator' } } : {}),
  };
}
