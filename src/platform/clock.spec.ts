import { Clock } from './clock';

const near = (time: Date, expected: number): void => {
  expect(Math.abs(time.getTime() - expected)).toBeLessThan(1000);
};

describe('the clock', () => {
  it("is this machine's until the database was asked", () => {
    const clock = new Clock();
    near(clock.now(), Date.now());
    near(clock.realNow(), Date.now());
  });

  it("follows the database's, however wrong this machine's is", () => {
    const clock = new Clock();
    const databaseTime = new Date('2030-05-05T00:00:00Z');
    clock.adjust(databaseTime, 0);
    near(clock.realNow(), databaseTime.getTime());
    near(clock.now(), databaseTime.getTime());
  });

  it('moves business time by the shared offset, and real time never', () => {
    const clock = new Clock();
    const month = 31 * 24 * 3600 * 1000;
    clock.adjust(new Date(), month);
    near(clock.now(), Date.now() + month);
    near(clock.realNow(), Date.now());
    clock.adjust(new Date(), 0);
    near(clock.now(), Date.now());
  });

  it('counts the time that the question took', () => {
    const clock = new Clock();
    const asked = Date.now() - 60_000;
    clock.adjust(new Date(asked), 0, asked);
    near(clock.realNow(), Date.now());
  });

  it('measures durations that nobody moves', () => {
    const clock = new Clock();
    const before = clock.monotonicMs();
    clock.adjust(new Date(0), -1e12);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(before);
  });
});
