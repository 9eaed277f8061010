import { Injectable } from '@nestjs/common';

/** Wakes the relay of this process soon after a fact was recorded; other processes poll. */
@Injectable()
export class OutboxRelaySignal {
  private listener: (() => void) | null = null;

  onWake(listener: () => void): void {
    this.listener = listener;
  }

  wake(): void {
    this.listener?.();
  }
}
