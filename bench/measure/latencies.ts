/** Response times, counted in steps of 10 µs: exact enough for a p99, and nothing grows while measuring. */
const STEP_MS = 0.01;
const STEPS = 200_000;

export class Latencies {
  private readonly counts = new Uint32Array(STEPS + 1);
  private total = 0;

  add(ms: number): void {
    // Everything beyond two seconds is one class: such a round is lost anyway.
    this.counts[Math.min(STEPS, Math.floor(ms / STEP_MS))]! += 1;
    this.total += 1;
  }

  /** The time in ms within which `share` (0 to 1) of the answers came; 0 without any. */
  percentile(share: number): number {
    const wanted = Math.ceil(this.total * share);
    let seen = 0;
    for (let step = 0; step <= STEPS; step += 1) {
      seen += this.counts[step]!;
      if (seen >= wanted && seen > 0) return (step + 1) * STEP_MS;
    }
    return 0;
  }
}
