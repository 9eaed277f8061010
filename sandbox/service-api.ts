/** The service's HTTP API, as the seed uses it. */

/** The service refused; the message holds what it said. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Page<Item> {
  readonly data: Item[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** Speaks to the service with one key. */
export class ServiceApi {
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  get<Answer>(path: string): Promise<Answer> {
    return this.ask<Answer>('GET', path);
  }

  post<Answer>(path: string, body: unknown): Promise<Answer> {
    return this.ask<Answer>('POST', path, body);
  }

  /** Every item of a list, page by page. */
  async all<Item>(path: string): Promise<Item[]> {
    const items: Item[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query = new URLSearchParams({ limit: '100', ...(cursor && { cursor }) });
      const page: Page<Item> = await this.get(`${path}${path.includes('?') ? '&' : '?'}${query}`);
      items.push(...page.data);
      cursor = page.has_more ? page.next_cursor : null;
    }
    return items;
  }

  private async ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Refused(answer.status, `${method} ${path} answered ${answer.status}: ${text}`);
    return JSON.parse(text) as Answer;
  }
}
