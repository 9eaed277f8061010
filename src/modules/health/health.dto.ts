import { ApiProperty } from '@nestjs/swagger';

export class LivenessView {
  @ApiProperty({ enum: ['ok'] })
  status: 'ok';
}

/** Whether this process should be given requests; says what is wrong, never where or which version. */
export class ReadinessView {
  /** `degraded` still serves: without Redis everything works, more slowly. */
  @ApiProperty({ enum: ['ok', 'degraded', 'unavailable', 'stopping'] })
  status: 'ok' | 'degraded' | 'unavailable' | 'stopping';

  @ApiProperty({ enum: ['ok', 'away', 'not_migrated', 'unsafe_role'] })
  database: 'ok' | 'away' | 'not_migrated' | 'unsafe_role';

  @ApiProperty({ enum: ['ok', 'away'] })
  redis: 'ok' | 'away';

  /** `single`: one role migrates and runs, so row-level security has one lock less. null while unknown. */
  @ApiProperty({ enum: ['separate', 'single'], nullable: true })
  database_role: 'separate' | 'single' | null;
}
