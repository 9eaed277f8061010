import { setImmediate as turn } from 'node:timers/promises';
import { Turns } from './turns';

it('lets so many work at once, the others in the order in which they came', async () => {
  const turns = new Turns(2, 10);
  const begun: number[] = [];
  const end: (() => void)[] = [];
  const all = [0, 1, 2, 3].map((number) =>
    turns.take(async () => {
      begun.push(number);
      await new Promise<void>((resolve) => (end[number] = resolve));
      return number;
    }),
  );
  await turn();
  expect(begun).toEqual([0, 1]);
  end[1]!();
  await turn();
  expect(begun).toEqual([0, 1, 2]);
  end[0]!();
  await turn();
  end[2]!();
  end[3]!();
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
});

it('hands the turn on when work fails', async () => {
  const turns = new Turns(1, 10);
  const failing = turns.take(() => Promise.reject(new Error('broken')));
  const next = turns.take(() => Promise.resolve('done'));
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('done');
  expect(await turns.take(() => Promise.resolve('again'))).toBe('again');
});

it('sends away whoever would wait behind too many', async () => {
  const turns = new Turns(1, 1);
  let end = (): void => undefined;
  const first = turns.take(() => new Promise<void>((resolve) => (end = resolve)));
  const second = turns.take(() => Promise.resolve());
  await expect(turns.take(() => Promise.resolve())).rejects.toMatchObject({ code: 'overloaded' });
  end();
  await Promise.all([first, second]);
});
