/** A side of a comparison that is asked over HTTP. */
import type { Side } from '../turns';
import { drive, type Traffic } from './drive';

interface Target {
  readonly pid: number;
  readonly port: number;
}

/** The connections are spread evenly over the targets. */
export function loadSide(
  name: string,
  targets: readonly Target[],
  connections: number,
  traffic: Traffic,
): Side {
  const ports = Array.from({ length: connections }, (_, at) => targets[at % targets.length]!.port);
  return { name, processes: targets, round: (seconds) => drive({ ports, seconds }, traffic) };
}
