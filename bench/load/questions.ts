/** The same question about one tenant after the other. */
import type { Answer } from './connection';
import type { Traffic } from './drive';
import { RequestBytes, type RequestParts } from './request';

export interface QuestionOptions {
  readonly request: RequestParts;
  readonly tenants: readonly string[];
  readonly connections: number;
  /** Must be in the body of every answer, whose status must be 200. */
  readonly wanted: string;
}

export class Questions implements Traffic {
  private readonly requests: RequestBytes[];
  private readonly tenantBytes: Buffer[];
  private readonly wanted: Buffer;
  private asked = 0;

  constructor({ request, tenants, connections, wanted }: QuestionOptions) {
    this.requests = Array.from({ length: connections }, () => new RequestBytes(request));
    this.tenantBytes = tenants.map((id) => Buffer.from(id));
    this.wanted = Buffer.from(wanted);
  }

  next(connection: number): Buffer {
    const request = this.requests[connection]!;
    request.setTenant(this.tenantBytes[this.asked % this.tenantBytes.length]!);
    this.asked += 1;
    return request.bytes;
  }

  units(_connection: number, { status, bytes, bodyAt }: Answer): number {
    return status === 200 && bytes.includes(this.wanted, bodyAt) ? 1 : -1;
  }
}
