import { ApiProperty } from '@nestjs/swagger';
import { Matches } from 'class-validator';

export class AdvanceClockDto {
  /** An ISO 8601 duration, for instance P14D, P1M or PT36H; at most two years. */
  @ApiProperty({ type: String, example: 'P14D' })
  @Matches(/^P[0-9YMWDTHS]{2,30}$/, { message: 'advance must be an ISO 8601 duration, for instance P14D.' })
  advance: string;
}

export class FiredView {
  at: Date;
  /** What happened, for instance invoice.finalize. */
  @ApiProperty({ type: String })
  what: string;
  /** The id of the object in Stripe. */
  @ApiProperty({ type: String })
  object: string;
}

export class JourneyView {
  from: Date;
  now: Date;
  /** Moments at which time stopped because something was due. */
  @ApiProperty({ type: Number })
  steps: number;
  @ApiProperty({ type: [FiredView] })
  fired: readonly FiredView[];
  /** How often each scheduled job ran. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' } })
  jobs: Readonly<Record<string, number>>;
}

export class ClockView {
  /** Business time. */
  now: Date;
  /** How far ahead of real time it is. */
  @ApiProperty({ type: Number })
  ahead_ms: number;
}
