/** One API request as it came in: what the service really sent. */
export interface LoggedRequest {
  id: string;
  /** ISO time, real. */
  at: string;
  method: string;
  path: string;
  idempotency_key: string | null;
  parameters: unknown;
  /** HTTP status answered; null while running or when the connection was cut. */
  status: number | null;
  /** The answer was a stored one. */
  replayed: boolean;
  /** The operation ran, and its answer was cut off. */
  cut: boolean;
}

const KEPT = 20_000;

/** The last requests, oldest first. In memory only: it describes a run, not the account. */
export class RequestLog {
  private entries: LoggedRequest[] = [];

  add(entry: LoggedRequest): LoggedRequest {
    this.entries.push(entry);
    if (this.entries.length > KEPT * 1.5) this.entries = this.entries.slice(-KEPT);
    return entry;
  }

  /** Requests that began at or after `since`. */
  since(since?: Date): LoggedRequest[] {
    if (!since) return [...this.entries];
    const from = since.toISOString();
    return this.entries.filter((entry) => entry.at >= from);
  }

  clear(): void {
    this.entries = [];
  }
}
