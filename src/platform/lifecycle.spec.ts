import { Lifecycle, ShutdownStage, withDeadline } from './lifecycle';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('stopping', () => {
  it('goes from the door to the stores, in whatever order the parts announced themselves', async () => {
    const lifecycle = new Lifecycle();
    const stopped: string[] = [];
    const stages: ShutdownStage[] = [
      'database',
      'redis',
      'queues',
      'relays',
      'workers',
      'consumers',
      'intake',
      'readiness',
    ];
    for (const stage of stages)
      lifecycle.onShutdown(stage, stage, async () => {
        await settled();
        stopped.push(stage);
      });
    await lifecycle.shutdown();
    expect(stopped).toEqual(stages.toReversed());
  });

  it('happens once, and every caller waits for it', async () => {
    const lifecycle = new Lifecycle();
    let times = 0;
    lifecycle.onShutdown('intake', 'door', async () => {
      await settled();
      times++;
    });
    expect(lifecycle.isStopping).toBe(false);
    const both = [lifecycle.shutdown(), lifecycle.shutdown()];
    expect(lifecycle.isStopping).toBe(true);
    await Promise.all(both);
    await lifecycle.shutdown();
    expect(times).toBe(1);
  });

  it('goes on past a part that fails, at once or later', async () => {
    const lifecycle = new Lifecycle();
    let reached = false;
    lifecycle.onShutdown('intake', 'rejects', () => Promise.reject(new Error('no')));
    lifecycle.onShutdown('intake', 'throws', () => {
      throw new Error('no');
    });
    lifecycle.onShutdown('database', 'pool', async () => {
      reached = true;
    });
    await lifecycle.shutdown();
    expect(reached).toBe(true);
  });

  it('goes on past a part that hangs', async () => {
    jest.useFakeTimers();
    try {
      const lifecycle = new Lifecycle();
      let reached = false;
      lifecycle.onShutdown('workers', 'hangs', () => new Promise(() => undefined));
      lifecycle.onShutdown('database', 'pool', async () => {
        reached = true;
      });
      const stopping = lifecycle.shutdown();
      await jest.advanceTimersByTimeAsync(5900);
      expect(reached).toBe(false);
      await jest.advanceTimersByTimeAsync(200);
      await stopping;
      expect(reached).toBe(true);
    } finally {
      jest.useRealTimers();
    }
  });
});

it('begins background work in the order of its announcement, each after the one before', async () => {
  const lifecycle = new Lifecycle();
  const begun: string[] = [];
  lifecycle.inBackground('slow', async () => {
    await settled();
    begun.push('slow');
  });
  lifecycle.inBackground('quick', () => {
    begun.push('quick');
  });
  await lifecycle.startBackground();
  expect(begun).toEqual(['slow', 'quick']);
});

describe('withDeadline', () => {
  it('hands on what the work answers or throws', async () => {
    await expect(withDeadline(Promise.resolve(1), 1000, 'late')).resolves.toBe(1);
    await expect(withDeadline(Promise.reject(new Error('no')), 1000, 'late')).rejects.toThrow('no');
  });

  it('rejects when the work takes longer', async () => {
    await expect(withDeadline(new Promise(() => undefined), 5, 'late')).rejects.toThrow('late');
  });
});
