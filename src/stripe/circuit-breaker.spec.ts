import { CircuitBreaker } from './circuit-breaker';

let now: number;
let breaker: CircuitBreaker;

beforeEach(() => {
  now = 0;
  breaker = new CircuitBreaker(() => now);
});

function fail(times: number): void {
  for (let time = 0; time < times; time += 1) {
    breaker.admit();
    breaker.failed();
  }
}

describe('the circuit to Stripe', () => {
  it('opens at the tenth failure in a row, for a second', () => {
    fail(9);
    expect([breaker.state, breaker.admit()]).toEqual(['closed', 0]);
    breaker.failed();
    expect([breaker.state, breaker.admit()]).toEqual(['open', 1000]);
  });

  it('stays closed when an answer comes in between', () => {
    fail(9);
    breaker.succeeded();
    fail(9);
    expect(breaker.state).toBe('closed');
  });

  it('lets one caller try after the pause, and the others wait for what comes of it', () => {
    fail(10);
    now = 1000;
    expect(breaker.state).toBe('half_open');
    expect([breaker.admit(), breaker.admit()]).toEqual([0, 1000]);
    breaker.succeeded();
    expect([breaker.state, breaker.admit()]).toEqual(['closed', 0]);
  });

  it('waits twice as long after each failed try, at most 15 s', () => {
    fail(10);
    const pauses: number[] = [];
    for (let probe = 0; probe < 6; probe += 1) {
      now += breaker.admit();
      expect(breaker.admit()).toBe(0);
      breaker.failed();
      pauses.push(breaker.admit());
    }
    expect(pauses).toEqual([2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it('gives the try to the next one when it says nothing of Stripe', () => {
    fail(10);
    now = 1000;
    expect(breaker.admit()).toBe(0);
    breaker.unsure();
    expect([breaker.state, breaker.admit()]).toEqual(['half_open', 0]);
  });

  it('is not opened longer by those who were on their way when it opened', () => {
    fail(10);
    now = 500;
    breaker.failed();
    expect(breaker.admit()).toBe(500);
  });
});
