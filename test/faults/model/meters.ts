/** The meters of the model test: one of each way to count. */
export interface ModelMeter {
  readonly key: string;
  readonly aggregation: 'sum' | 'count' | 'max' | 'latest' | 'unique';
  readonly kind: 'flow' | 'gauge';
  readonly scale: number;
  readonly rejectsLate: boolean;
  /** Of the free plan; null = unlimited. */
  readonly limit: number | null;
  readonly isBuiltIn: boolean;
}

export const METERS: readonly ModelMeter[] = [
  meter('email_sends', 'sum', { limit: 20, isBuiltIn: true }),
  meter('campaigns', 'sum', { kind: 'gauge', limit: 6, isBuiltIn: true }),
  meter('m_count', 'count', { limit: 5 }),
  meter('m_scaled', 'sum', { scale: 3, limit: 8 }),
  meter('m_unique', 'unique', { limit: 2 }),
  meter('m_max', 'max'),
  meter('m_latest', 'latest', { kind: 'gauge' }),
  meter('m_strict', 'sum', { rejectsLate: true }),
];

/** Those that may have a limit. */
export const LIMITABLE = METERS.filter(
  ({ aggregation }) => aggregation !== 'max' && aggregation !== 'latest',
);

export function meterOf(key: string): ModelMeter {
  return METERS.find((one) => one.key === key)!;
}

function meter(
  key: string,
  aggregation: ModelMeter['aggregation'],
  rest: Partial<ModelMeter> = {},
): ModelMeter {
  return {
    key,
    aggregation,
    kind: 'flow',
    scale: 0,
    rejectsLate: false,
    limit: null,
    isBuiltIn: false,
    ...rest,
  };
}
