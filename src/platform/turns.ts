import { BillingError } from '../contracts/errors';

/** Lets few do something expensive at once; the others wait in the order in which they came. */
export class Turns {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param mostWaiting beyond these, whoever comes is sent away */
  constructor(
    private readonly mostAtOnce: number,
    private readonly mostWaiting: number,
  ) {}

  /**
   * Does the work when it is its turn.
   * @throws BillingError overloaded when too many wait; whatever the work throws
   */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < this.mostAtOnce) this.running += 1;
    else if (this.waiting.length >= this.mostWaiting) throw new BillingError('overloaded', { retryAfter: 2 });
    // Whoever ends hands the turn on, so `running` stays as it is.
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
