/** Which port each part of the sandbox gets: the one it had last time, if nobody took it. */
import { join } from 'node:path';
import { USUAL_FOLDER } from './folder';
import { readJson, writeJson } from './json-file';
import { claimPorts } from './ports';

/**
 * First wishes of the usual folder; away from the parts' own ports, which a developer's machine often has in
 * use. Another folder begins with any free ports: two sandboxes that start at once must not wish for the same.
 */
const FIRST_WISH = {
  postgres: 4432,
  redis: 4379,
  stripe: 4010,
  aws: 4566,
  mailbox: 4020,
  smtp: 4025,
  ory: 4030,
  clickhouse: 4123,
};

export type PartName = keyof typeof FIRST_WISH;

export interface PortPlan {
  /** Where the service answers. */
  readonly service: number;
  readonly parts: Readonly<Record<PartName, number>>;
  /** One line for each port that was taken, for people. */
  readonly moves: string[];
}

/**
 * Chooses all ports and remembers those of the parts in `ports.json`.
 * @param wished the port people type (PORT); the next free one when it is taken, any when 0
 */
export async function planPorts(folder: string, wished: number): Promise<PortPlan> {
  const file = join(folder, 'ports.json');
  const remembered = readJson<Partial<Record<PartName, number>>>(file) ?? {};
  const names = Object.keys(FIRST_WISH) as PartName[];
  const usual = folder === USUAL_FOLDER;
  const wishes = names.map((name) => remembered[name] ?? (usual ? FIRST_WISH[name] : 0));
  const [service, ...claimed] = (await claimPorts([wished, ...wishes])) as [number, ...number[]];
  const parts = Object.fromEntries(names.map((name, at) => [name, claimed[at]])) as Record<PartName, number>;
  writeJson(file, parts);

  const moves: string[] = [];
  if (wished !== 0 && service !== wished)
    moves.push(`Port ${wished} is taken: Tenant Billing is on ${service} this time.`);
  for (const [at, name] of names.entries()) {
    // A first start has no habit to break: only a part that moved away from its old port is news.
    if (remembered[name] !== undefined && parts[name] !== wishes[at])
      moves.push(`Port ${wishes[at]} is taken: ${name} moved on to ${parts[name]}.`);
  }
  return { service, parts, moves };
}
