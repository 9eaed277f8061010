import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from './cluster';
import { EventSource, unprocessed } from './event-source';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = {
  short: { events: 300, perSecond: 100, kills: 3, subscriptions: 3 },
  long: { events: 10_000, perSecond: 200, kills: 50, subscriptions: 20 },
};

/** an event that was answered 200 is processed, whatever dies meanwhile. */
export const r10: Scenario = {
  id: 'R-10',
  title: 'ten thousand events of Stripe, 200 a second, while processes are killed fifty times',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const { id: planId } = await cluster.makePlan();
  const subscriptions: string[] = [];
  for (const tenant of await cluster.makeTenants(plan.subscriptions))
    subscriptions.push(await cluster.subscribe(tenant, planId));
  await cluster.untilInboxIsEmpty();

  const source = new EventSource(
    cluster,
    subscriptions,
    cluster.replicas.map((_, at) => at),
  );
  const sending = source.send(plan.events, plan.perSecond);
  const pauseMs = (plan.events / plan.perSecond / plan.kills) * 1000;
  for (let kill = 0; kill < plan.kills; kill += 1) {
    await pause(pauseMs * (0.5 + Math.random() / 2));
    await cluster.killAndRestart(kill % cluster.replicas.length);
  }
  await sending;
  await cluster.untilInboxIsEmpty(120_000);
  findings.note('kills', plan.kills);
  findings.note('sent_again', source.refused);
  findings.must('acknowledged', source.acknowledged.length, plan.events);
  findings.must('not_processed', await unprocessed(cluster, source.acknowledged), 0);
  await findings.invariants(cluster);
  return findings.report();
}
