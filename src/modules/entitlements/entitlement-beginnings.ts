import { Injectable } from '@nestjs/common';
import type { EventEnvelope } from '../../contracts/events';
import { OnEvent } from '../../platform/outbox/on-event';
import { EntitlementsService } from './entitlements.service';

/** Gives a new tenant its entitlements row, before anybody asks. */
@Injectable()
export class EntitlementBeginnings {
  constructor(private readonly entitlements: EntitlementsService) {}

  @OnEvent('tenant.created')
  async begin(_event: EventEnvelope): Promise<void> {
    await this.entitlements.current();
  }
}
